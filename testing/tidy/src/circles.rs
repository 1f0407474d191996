//! Inside a crate, files do not import each other in a circle.
//!
//! A file is a node. It imports another one when it names something of it: in a `use`, or by a path
//! that begins with `crate`, `self`, `super` or one of its own child modules. Three things are no
//! import: to declare a module, to re-export a name that is not used beside, and whatever is for
//! tests only. A name that another file re-exports belongs to the file that defines it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use crate::{finding::Finding, modules::Module, sources::Sources};

/// Reports each circle once, at the first of its files.
pub(crate) fn check(sources: &Sources) -> Vec<Finding> {
    let roots = sources.rust().filter(|source| is_root(&source.path));
    roots.flat_map(|root| circles(&Imports::of_crate(sources, &root.path))).collect()
}

/// Whether a file is the top of a library, or of a program that has none.
fn is_root(path: &Path) -> bool {
    path.ends_with("src/lib.rs") || path.ends_with("src/main.rs")
}

/// What each file of a crate imports from which other one, and by which path.
#[derive(Debug, Default)]
struct Imports {
    of_file: BTreeMap<PathBuf, BTreeMap<PathBuf, String>>,
}

impl Imports {
    fn of_crate(sources: &Sources, root: &Path) -> Self {
        let modules = Module::of_crate(sources, root);
        let mut of_file: BTreeMap<PathBuf, BTreeMap<PathBuf, String>> = BTreeMap::new();
        for (place, module) in &modules {
            let imported = module.uses.iter().filter(|item| {
                // A re-export counts only where its name is used beside.
                !item.is_public || module.names.contains(&item.name)
            });
            let paths = imported.map(|item| &item.path).chain(&module.paths);
            for path in paths {
                let Some(target) = resolve(&modules, place, path, 0) else { continue };
                if target.file != module.file {
                    let of_this = of_file.entry(module.file.clone()).or_default();
                    of_this.entry(target.file.clone()).or_insert_with(|| path.join("::"));
                }
            }
        }
        Self { of_file }
    }

    /// The files that can be reached from one.
    fn reached(&self, from: &Path) -> BTreeSet<&Path> {
        let mut reached = BTreeSet::new();
        let mut open = vec![from];
        while let Some(file) = open.pop() {
            for next in self.of_file.get(file).into_iter().flat_map(BTreeMap::keys) {
                if reached.insert(next.as_path()) {
                    open.push(next);
                }
            }
        }
        reached
    }
}

/// The module that a path leads to; `None` if that is not one of this crate.
fn resolve<'a>(
    modules: &'a BTreeMap<Vec<String>, Module>,
    place: &[String],
    path: &[String],
    depth: usize,
) -> Option<&'a Module> {
    /// A re-export of a re-export and so on is not followed for ever.
    const DEEPEST: usize = 8;
    let mut at = place.to_vec();
    let mut rest = path;
    match rest.split_first()? {
        (first, others) if first == "crate" => {
            at.clear();
            rest = others;
        }
        (first, others) if first == "self" => rest = others,
        (first, _) if first == "super" => {
            while let Some((first, others)) = rest.split_first()
                && first == "super"
            {
                at.pop()?;
                rest = others;
            }
        }
        (first, _) => {
            let child = [place, std::slice::from_ref(first)].concat();
            if !modules.contains_key(&child) {
                return None;
            }
        }
    }
    for (index, name) in rest.iter().enumerate() {
        at.push(name.clone());
        if modules.contains_key(&at) {
            continue;
        }
        at.pop();
        let module = modules.get(&at)?;
        if let Some(item) = module.uses.iter().find(|item| item.name == *name)
            && depth < DEEPEST
        {
            let remaining = rest.get(index + 1..).unwrap_or_default();
            let path = [&item.path, remaining].concat();
            // A name of another crate leads to no file of this one.
            return resolve(modules, &at, &path, depth + 1);
        }
        break;
    }
    modules.get(&at)
}

/// A finding for each set of files that all reach each other.
fn circles(imports: &Imports) -> Vec<Finding> {
    let reached: BTreeMap<&Path, BTreeSet<&Path>> =
        imports.of_file.keys().map(|file| (file.as_path(), imports.reached(file))).collect();
    let leads = |one: &Path, other: &Path| reached.get(one).is_some_and(|all| all.contains(other));
    let mut seen: BTreeSet<&Path> = BTreeSet::new();
    let mut findings = Vec::new();
    for &file in reached.keys() {
        if seen.contains(file) || !leads(file, file) {
            continue;
        }
        let circle: BTreeSet<&Path> = reached
            .keys()
            .copied()
            .filter(|other| leads(file, other) && leads(other, file))
            .collect();
        findings.push(Finding::of_file(file, describe(imports, &circle)));
        seen.extend(circle);
    }
    findings
}

fn describe(imports: &Imports, circle: &BTreeSet<&Path>) -> String {
    let shown = |file: &Path| {
        let inside = file.iter().skip_while(|part| *part != "src").skip(1);
        inside.collect::<PathBuf>().display().to_string()
    };
    let mut lines = vec![format!(
        "{} files import each other in a circle; move what they share to a file of its own",
        circle.len()
    )];
    for file in circle {
        for (target, path) in imports.of_file.get(*file).into_iter().flatten() {
            if circle.contains(target.as_path()) {
                lines.push(format!("    {} -> {} by `{path}`", shown(file), shown(target)));
            }
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::sources::Sources;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let findings = check(&Sources::of(files));
        findings.into_iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn files_that_import_each_other_are_found_with_the_paths_that_close_the_circle() {
        let found = found(&[
            ("c/src/lib.rs", "mod a; mod b;"),
            ("c/src/a.rs", "use crate::b::B; pub struct A(B);"),
            ("c/src/b.rs", "pub struct B; fn f() -> super::a::A { todo() }"),
        ]);
        assert_eq!(
            found,
            [
                "c/src/a.rs: 2 files import each other in a circle; move what they share to a file of \
              its own\n    a.rs -> b.rs by `crate::b::B`\n    b.rs -> a.rs by `super::a::A`"
            ]
        );
    }

    #[test]
    fn a_parent_that_uses_its_child_which_uses_the_parent_is_a_circle() {
        let child = ("c/src/a/b.rs", "use super::{A, Other as O};");
        let root = ("c/src/lib.rs", "mod a;");
        assert_eq!(found(&[root, ("c/src/a.rs", "mod b; fn f() { b::g() }"), child]).len(), 1);
        assert_eq!(found(&[root, ("c/src/a.rs", "mod b; use self::b::g;"), child]).len(), 1);
        assert!(found(&[root, ("c/src/a.rs", "mod b; pub struct A;"), child]).is_empty());
    }

    #[test]
    fn a_re_export_is_no_import_and_its_name_belongs_to_the_file_that_defines_it() {
        let root = ("c/src/lib.rs", "mod a; mod b; pub use self::{a::A, b::B};");
        let a = ("c/src/a.rs", "use crate::B; pub struct A(B);");
        assert!(found(&[root, a, ("c/src/b.rs", "pub struct B;")]).is_empty());
        assert_eq!(found(&[root, a, ("c/src/b.rs", "use crate::A; pub struct B(A);")]).len(), 1);
    }

    #[test]
    fn what_is_for_tests_does_not_count() {
        let root = ("c/src/lib.rs", "mod a; mod b; #[cfg(test)] mod fixture;");
        let a = ("c/src/a.rs", "use crate::b::B;");
        let fixture = ("c/src/fixture.rs", "use crate::a::A; use crate::b::B;");
        let b = (
            "c/src/b.rs",
            "// crate::a\n#[cfg(test)]\nmod tests { use crate::a::A; use super::*; }",
        );
        assert!(found(&[root, a, b, fixture]).is_empty());
    }
}
