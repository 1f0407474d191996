//! Every example has a golden, and every bad migration file has the diagnostics it must give:
//! a file that no expectation names is not tested.

use std::path::Path;

use crate::{finding::Finding, sources::Sources};

pub(crate) fn check(sources: &Sources) -> Vec<Finding> {
    let examples = expected(sources, "examples", "no golden under `tests/` is named after it");
    let bad = expected(
        sources,
        "tests/corpus/bad",
        "nothing under `tests/` expects its diagnostics: add a snapshot named after it",
    );
    examples.into_iter().chain(bad).collect()
}

/// A finding for each input of a folder that no snapshot and no golden is named after.
fn expected(sources: &Sources, folder: &'static str, message: &str) -> Vec<Finding> {
    sources
        .under(folder)
        .filter(|source| {
            ["yaml", "yml", "json"]
                .iter()
                .any(|wanted| source.path.extension().is_some_and(|extension| extension == *wanted))
        })
        .filter(|input| {
            let stem = stem(&input.path);
            !sources
                .under("tests")
                .any(|candidate| is_expectation(&candidate.path) && names(&candidate.path, stem))
        })
        .map(|input| Finding::of_file(&input.path, message))
        .collect()
}

fn stem(path: &Path) -> &str {
    path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}

fn is_expectation(path: &Path) -> bool {
    path.components().any(|part| {
        part.as_os_str().to_str().is_some_and(|name| name == "snapshots" || name.contains("golden"))
    })
}

/// Whether the file, or a folder that it is in, has the stem as a part of its name.
fn names(path: &Path, stem: &str) -> bool {
    path.components().filter_map(|part| part.as_os_str().to_str()).any(|name| {
        name.split(['@', '.']).any(|part| part == stem)
            || name.split("__").any(|part| part.split('.').next() == Some(stem))
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::names;

    #[test]
    fn a_snapshot_or_a_golden_folder_is_named_after_its_input() {
        assert!(names(
            Path::new("tests/tests/snapshots/goldens__bad@two-groups.yaml.snap"),
            "two-groups"
        ));
        assert!(names(Path::new("tests/goldens/two-groups/dag.yaml"), "two-groups"));
        assert!(!names(Path::new("tests/goldens/two-groups/dag.yaml"), "groups"));
    }
}
