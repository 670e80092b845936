//! Paths in the tokens of one file.

use std::{
    fmt,
    iter::Peekable,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree, token_stream::IntoIter};

use super::Names;

/// A path that a source file names, in a `use` or where it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// From the folder of the sources.
    pub file: PathBuf,
    pub line: usize,
    /// The module in which it stands, from the crate's root: `["store", "embedded"]`.
    pub module: Names,
    /// Resolved: begins with `crate` or with the name of another crate. `use x::*` ends in `*`.
    pub path: Names,
    /// `pub use`, for whomever.
    pub exported: bool,
}

impl fmt::Display for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.exported { "exports" } else { "uses" };
        write!(f, "{}:{} {kind} {}", self.file.display(), self.line, self.path.join("::"))
    }
}

/// A module declared in the file whose text is in another one.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) module: Names,
    /// `#[path = "…"]`.
    pub(super) path: Option<String>,
}

/// Reads one file.
pub(super) struct Reader<'f> {
    file: &'f Path,
    module: Names,
    imports: Vec<Import>,
    children: Vec<Child>,
}

type Tokens = Peekable<IntoIter>;

impl<'f> Reader<'f> {
    pub(super) fn new(file: &'f Path, module: Names) -> Self {
        Self { file, module, imports: Vec::new(), children: Vec::new() }
    }

    pub(super) fn read(mut self, tokens: TokenStream) -> (Vec<Import>, Vec<Child>) {
        self.tokens(tokens);
        (self.imports, self.children)
    }

    fn tokens(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        // Of the item that follows: its `#[path]`, and whether it is `pub`.
        let (mut path, mut exported) = (None, false);
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    take_punct(&mut tokens, '!');
                    if let Some(group) = take_group(&mut tokens, Delimiter::Bracket) {
                        path = self.attribute(group.stream()).or(path);
                    }
                    continue;
                }
                TokenTree::Ident(word) if word == "pub" => {
                    self.visibility(&mut tokens);
                    exported = true;
                    continue;
                }
                TokenTree::Ident(word) if word == "use" && !is_punct(tokens.peek(), '<') => {
                    self.use_tree(&mut tokens, &Names::new(), exported);
                }
                TokenTree::Ident(word) if word == "mod" => self.declaration(&mut tokens, path.take()),
                TokenTree::Ident(word) => self.path(word, &mut tokens),
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            (path, exported) = (None, false);
        }
    }

    /// `(crate)` and the like after `pub` say who sees the item, not what it uses.
    fn visibility(&mut self, tokens: &mut Tokens) {
        let Some(TokenTree::Group(group)) = tokens.peek() else { return };
        let words: Vec<_> = group.stream().into_iter().take(2).map(|token| token.to_string()).collect();
        let restricts = words.len() == 1 || words.first().is_some_and(|word| word == "in");
        if group.delimiter() == Delimiter::Parenthesis && restricts {
            tokens.next();
        }
    }

    /// Returns the text of `#[path = "…"]`. Texts of other attributes may be paths, as serde's are.
    fn attribute(&mut self, tokens: TokenStream) -> Option<String> {
        let mut words = tokens.clone().into_iter();
        let name = words.next().map(|token| token.to_string());
        match name.as_deref() {
            Some("doc") => return None,
            Some("path") => return words.nth(1).map(|text| text.to_string().trim_matches('"').to_owned()),
            _ => {}
        }
        self.texts(tokens.clone());
        self.tokens(tokens);
        None
    }

    fn texts(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.texts(group.stream()),
                TokenTree::Literal(literal) => {
                    let (text, from) = (literal.to_string(), self.imports.len());
                    if let Some(Ok(inner)) =
                        text.strip_prefix('"').map(|text| text.trim_end_matches('"').parse())
                    {
                        self.tokens(inner);
                    }
                    let line = literal.span().start().line;
                    self.imports[from..].iter_mut().for_each(|import| import.line = line);
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
        }
    }

    /// After `mod`.
    fn declaration(&mut self, tokens: &mut Tokens, path: Option<String>) {
        let Some(TokenTree::Ident(name)) = tokens.next() else { return };
        self.module.push(name.to_string());
        match take_group(tokens, Delimiter::Brace) {
            Some(inline) => self.tokens(inline.stream()),
            None => self.children.push(Child { module: self.module.clone(), path }),
        }
        self.module.pop();
    }

    /// After `use` or an opening brace: one tree, whose parents are `before`.
    fn use_tree(&mut self, tokens: &mut Tokens, before: &Names, exported: bool) {
        let mut path = before.clone();
        loop {
            match tokens.next() {
                Some(TokenTree::Ident(word)) => {
                    let line = word.span().start().line;
                    // `a::{self}` is `a`.
                    if word != "self" || path.is_empty() {
                        path.push(word.to_string());
                    }
                    if !take_colons(tokens) {
                        self.note(&path, line, exported);
                        return;
                    }
                }
                Some(TokenTree::Punct(star)) if star.as_char() == '*' => {
                    path.push("*".to_owned());
                    self.note(&path, star.span().start().line, exported);
                    return;
                }
                Some(TokenTree::Group(group)) => {
                    let mut inner = group.stream().into_iter().peekable();
                    while inner.peek().is_some() {
                        self.use_tree(&mut inner, &path, exported);
                        // Up to the next tree: `as name` and the comma.
                        while inner.next().is_some_and(|token| !is_punct(Some(&token), ',')) {}
                    }
                    return;
                }
                // `use ::x`.
                Some(TokenTree::Punct(_)) => {}
                Some(TokenTree::Literal(_)) | None => return,
            }
        }
    }

    /// A path that begins with `first`, if it is one.
    fn path(&mut self, first: Ident, tokens: &mut Tokens) {
        let line = first.span().start().line;
        let mut path = vec![first.to_string()];
        if first == "extern"
            && let Some(TokenTree::Ident(word)) = tokens.peek()
            && word == "crate"
        {
            tokens.next();
            if let Some(TokenTree::Ident(name)) = tokens.next() {
                self.note(&vec![name.to_string()], line, false);
            }
            return;
        }
        while take_colons(tokens) {
            match tokens.peek() {
                Some(TokenTree::Ident(word)) => path.push(word.to_string()),
                // `x::<T>`, and `$x::{…}` in a macro.
                _ => break,
            }
            tokens.next();
        }
        if path.len() > 1 {
            self.note(&path, line, false);
        }
    }

    fn note(&mut self, path: &Names, line: usize, exported: bool) {
        let (file, module) = (self.file.to_owned(), self.module.clone());
        self.imports.push(Import { file, line, path: resolve(path, &module), module, exported });
    }
}

/// `self` and `super` in `path` within `module`, from the crate's root.
fn resolve(path: &Names, module: &Names) -> Names {
    let up = path.iter().take_while(|word| *word == "super" || *word == "self").count();
    let ascents = path[..up].iter().filter(|word| *word == "super").count();
    if up == 0 {
        return path.clone();
    }
    let kept = module.len().saturating_sub(ascents);
    let root = std::iter::once("crate".to_owned());
    root.chain(module[..kept].iter().cloned()).chain(path[up..].iter().cloned()).collect()
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

fn take_punct(tokens: &mut Tokens, wanted: char) -> bool {
    is_punct(tokens.peek(), wanted) && tokens.next().is_some()
}

/// `::`, and not the `:` of a field or a bound.
fn take_colons(tokens: &mut Tokens) -> bool {
    let mut ahead = tokens.clone();
    let both = take_punct(&mut ahead, ':') && take_punct(&mut ahead, ':');
    if both {
        *tokens = ahead;
    }
    both
}

fn take_group(tokens: &mut Tokens, delimiter: Delimiter) -> Option<Group> {
    match tokens.peek() {
        Some(TokenTree::Group(group)) if group.delimiter() == delimiter => {
            let group = group.clone();
            tokens.next();
            Some(group)
        }
        _ => None,
    }
}
