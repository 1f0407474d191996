//! The modules of a crate and what each of them names, read from the tokens of its files.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter::Peekable,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, TokenStream, TokenTree, token_stream::IntoIter};

use crate::sources::Sources;

/// A module; an inline one is in the file of its parent.
#[derive(Debug, Default)]
pub(crate) struct Module {
    /// The file that it is in.
    pub(crate) file: PathBuf,
    /// What it imports and re-exports.
    pub(crate) uses: Vec<Use>,
    /// The paths that it names anywhere else.
    pub(crate) paths: Vec<Vec<String>>,
    /// Every identifier outside of `use` items.
    pub(crate) names: BTreeSet<String>,
}

/// One name that a `use` brings in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Use {
    /// The name here; `*` for all of a module.
    pub(crate) name: String,
    pub(crate) path: Vec<String>,
    pub(crate) is_public: bool,
}

type Tokens = Peekable<IntoIter>;

impl Module {
    /// Reads the crate with this root file: its modules by their paths.
    pub(crate) fn of_crate(sources: &Sources, root: &Path) -> BTreeMap<Vec<String>, Self> {
        let folder = root.parent().unwrap_or(root);
        let mut modules = BTreeMap::new();
        let mut open = vec![(Vec::new(), root.to_path_buf())];
        while let Some((place, file)) = open.pop() {
            let Some(source) = sources.get(&file) else { continue };
            // What does not parse is the compiler's to report.
            let Ok(tokens) = source.text.parse::<TokenStream>() else { continue };
            let mut reader = Reader { file, modules: &mut modules, declared: Vec::new() };
            reader.module(&place, tokens);
            for child in reader.declared {
                let path: PathBuf = child.iter().collect();
                let file = folder.join(&path).with_extension("rs");
                let file = if sources.get(&file).is_some() {
                    file
                } else {
                    folder.join(&path).join("mod.rs")
                };
                open.push((child, file));
            }
        }
        modules
    }
}

/// Reads the tokens of one file.
struct Reader<'a> {
    file: PathBuf,
    modules: &'a mut BTreeMap<Vec<String>, Module>,
    /// The modules that the file declares, and that are in files of their own.
    declared: Vec<Vec<String>>,
}

impl Reader<'_> {
    fn module(&mut self, place: &[String], tokens: TokenStream) {
        let mut module = Module { file: self.file.clone(), ..Module::default() };
        self.tokens(place, &mut module, tokens);
        self.modules.insert(place.to_vec(), module);
    }

    fn tokens(&mut self, place: &[String], module: &mut Module, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        let mut is_public = false;
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Punct(mark) if mark.as_char() == '#' => {
                    if attribute_is_for_tests(&mut tokens) {
                        skip_item(&mut tokens);
                    }
                }
                TokenTree::Ident(word) if word == "pub" => {
                    is_public = true;
                    // The scope of `pub(crate)`, which is no path.
                    if matches!(tokens.peek(), Some(TokenTree::Group(group))
                        if group.delimiter() == Delimiter::Parenthesis)
                    {
                        tokens.next();
                    }
                    continue;
                }
                TokenTree::Ident(word) if word == "use" => {
                    use_tree(&mut tokens, &[], is_public, &mut module.uses);
                }
                TokenTree::Ident(word) if word == "mod" => {
                    let Some(TokenTree::Ident(name)) = tokens.next() else { continue };
                    let child = [place, &[name.to_string()]].concat();
                    match tokens.next() {
                        Some(TokenTree::Group(body)) => self.module(&child, body.stream()),
                        _ => self.declared.push(child),
                    }
                }
                TokenTree::Ident(word) => {
                    module.names.insert(word.to_string());
                    let path = path(word.to_string(), &mut tokens);
                    if path.len() > 1 {
                        module.paths.push(path);
                    }
                }
                TokenTree::Punct(mark) if mark.as_char() == '$' => {
                    // `$crate` in a macro is for those who call it.
                    tokens.next();
                }
                TokenTree::Group(group) => self.tokens(place, module, group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            is_public = false;
        }
    }
}

/// Reads the rest of an attribute; whether what follows is compiled for tests only.
fn attribute_is_for_tests(tokens: &mut Tokens) -> bool {
    if matches!(tokens.peek(), Some(TokenTree::Punct(mark)) if mark.as_char() == '!') {
        tokens.next();
    }
    match tokens.next() {
        Some(TokenTree::Group(group)) => {
            let text: String = group.stream().to_string().split_whitespace().collect();
            text == "cfg(test)"
        }
        _ => false,
    }
}

/// Skips an item: up to its body or its semicolon.
fn skip_item(tokens: &mut Tokens) {
    for token in tokens {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return,
            TokenTree::Punct(mark) if mark.as_char() == ';' => return,
            _ => {}
        }
    }
}

/// Reads `a::b::c` from its second word on.
fn path(first: String, tokens: &mut Tokens) -> Vec<String> {
    let mut path = vec![first];
    while is_colon(tokens) {
        tokens.next();
        tokens.next();
        let Some(TokenTree::Ident(word)) = tokens.peek() else { break };
        path.push(word.to_string());
        tokens.next();
    }
    path
}

/// Whether the next two tokens are `::`.
fn is_colon(tokens: &mut Tokens) -> bool {
    let mut ahead = tokens.clone();
    let mut colon =
        || matches!(ahead.next(), Some(TokenTree::Punct(mark)) if mark.as_char() == ':');
    colon() && colon()
}

/// Reads the tree of a `use` up to its semicolon or comma.
fn use_tree(tokens: &mut Tokens, before: &[String], is_public: bool, uses: &mut Vec<Use>) {
    let mut path = before.to_vec();
    let mut name = None;
    let mut is_alias = false;
    for token in tokens.by_ref() {
        match token {
            TokenTree::Ident(word) if word == "as" => is_alias = true,
            TokenTree::Ident(word) if is_alias => name = Some(word.to_string()),
            // `a::{self}` is `a`.
            TokenTree::Ident(word) if word == "self" && !path.is_empty() => {}
            TokenTree::Ident(word) => path.push(word.to_string()),
            TokenTree::Group(group) => {
                let mut inner = group.stream().into_iter().peekable();
                while inner.peek().is_some() {
                    use_tree(&mut inner, &path, is_public, uses);
                }
                path.clear();
            }
            TokenTree::Punct(mark) if mark.as_char() == '*' => name = Some("*".to_owned()),
            TokenTree::Punct(mark) if [';', ','].contains(&mark.as_char()) => break,
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    if let Some(last) = path.last() {
        let name = name.unwrap_or_else(|| last.clone());
        uses.push(Use { name, path, is_public });
    }
}
