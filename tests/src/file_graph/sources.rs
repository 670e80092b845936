//! Reads a crate's files, from its root along `mod` declarations, and notes what they define and name.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::{
    Attribute, UseTree, Visibility,
    spanned::Spanned,
    visit::{self, Visit},
};

/// The parts of a path.
pub(super) type Names = Vec<String>;

/// A function outside of test code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// From the folder of the sources.
    pub file: String,
    pub line: usize,
    pub name: String,
    /// From its signature to its closing brace.
    pub lines: usize,
}

/// A path that a file names.
#[derive(Debug)]
pub(super) struct Mention {
    pub(super) file: usize,
    pub(super) line: usize,
    /// The module in which it stands, from the crate's root.
    pub(super) module: Names,
    /// As it is written.
    pub(super) path: Names,
}

/// One name of a `use`.
#[derive(Debug)]
pub(super) struct Import {
    pub(super) at: Mention,
    /// What it is called here; nothing for `_` and globs.
    pub(super) name: Option<String>,
    pub(super) glob: bool,
    /// `pub use`, for whomever.
    pub(super) exported: bool,
}

#[derive(Debug, Default)]
pub(super) struct Module {
    pub(super) file: usize,
    pub(super) items: BTreeSet<String>,
    pub(super) uses: Vec<Import>,
}

#[derive(Debug, Default)]
pub(super) struct Sources {
    pub(super) files: Vec<String>,
    /// Of each file, the names in it outside of `use`.
    pub(super) words: Vec<BTreeSet<String>>,
    pub(super) modules: BTreeMap<Names, Module>,
    pub(super) mentions: Vec<Mention>,
    pub(super) functions: Vec<Function>,
}

impl Sources {
    pub(super) fn read(folder: &Path, root: &str) -> io::Result<Self> {
        let mut sources = Self::default();
        let mut waiting = vec![(folder.join(root), Names::new())];
        while let Some((path, module)) = waiting.pop() {
            let within =
                |error: &dyn std::fmt::Display| io::Error::other(format!("{}: {error}", path.display()));
            let text = fs::read_to_string(&path).map_err(|error| within(&error))?;
            let parsed = syn::parse_file(&text).map_err(|error| within(&error))?;
            let file = sources.files.len();
            sources.files.push(path.strip_prefix(folder).unwrap_or(&path).display().to_string());
            sources.words.push(BTreeSet::new());
            sources.modules.insert(module.clone(), Module { file, ..Module::default() });
            let mut reader =
                Reader { sources: &mut sources, file, module: module.clone(), children: Vec::new() };
            reader.visit_file(&parsed);
            let children = reader.children;
            waiting.extend(children.into_iter().map(|(child, renamed)| {
                let file = child_file(&path, &child[module.len()..], renamed);
                (file, child)
            }));
        }
        Ok(sources)
    }
}

/// Where the module `names` declared in `file` is (Rust reference, "Module source filenames").
fn child_file(file: &Path, names: &[String], renamed: Option<String>) -> PathBuf {
    let beside = file.parent().unwrap_or(Path::new(""));
    if let Some(path) = renamed {
        return beside.join(path);
    }
    let stem = file.file_stem().unwrap_or_default();
    let owns_its_folder = ["mod", "lib", "main"].iter().any(|own| stem == *own);
    let mut folder = if owns_its_folder { beside.to_owned() } else { file.with_extension("") };
    let (name, inline) = names.split_last().expect("a child has a name");
    folder.extend(inline);
    let flat = folder.join(format!("{name}.rs"));
    if flat.exists() { flat } else { folder.join(name).join("mod.rs") }
}

struct Reader<'s> {
    sources: &'s mut Sources,
    file: usize,
    module: Names,
    /// Modules in files of their own, and the texts of their `#[path]`.
    children: Vec<(Names, Option<String>)>,
}

impl Reader<'_> {
    fn mention(&self, path: Names, line: usize) -> Mention {
        Mention { file: self.file, line, module: self.module.clone(), path }
    }

    fn word(&mut self, word: &Ident) {
        self.sources.words[self.file].insert(word.to_string());
    }

    fn import(&mut self, tree: &UseTree, mut before: Names, exported: bool) {
        let (last, name, glob) = match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                return self.import(&path.tree, before, exported);
            }
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.import(tree, before.clone(), exported));
            }
            UseTree::Name(name) => (Some(&name.ident), Some(&name.ident), false),
            UseTree::Rename(rename) => (Some(&rename.ident), Some(&rename.rename), false),
            UseTree::Glob(_) => (None, None, true),
        };
        // `a::{self}` is `a`.
        before.extend(last.map(ToString::to_string).filter(|last| last != "self" || before.is_empty()));
        let mut name = name.map(ToString::to_string).filter(|name| name != "_");
        if name.as_deref() == Some("self") {
            name = before.last().cloned();
        }
        let at = self.mention(before, tree.span().start().line);
        let module = self.sources.modules.entry(self.module.clone()).or_default();
        module.uses.push(Import { at, name, glob, exported });
    }

    /// Paths in what is not parsed: macros, and texts of attributes.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        let mut path: Vec<Ident> = Vec::new();
        let mut colons = 0;
        loop {
            let token = tokens.next();
            match &token {
                Some(TokenTree::Punct(punct)) if punct.as_char() == ':' && !path.is_empty() && colons < 2 => {
                    colons += 1;
                    continue;
                }
                Some(TokenTree::Ident(word)) if path.is_empty() || colons == 2 => {
                    self.word(word);
                    path.push(word.clone());
                    colons = 0;
                    continue;
                }
                _ => {}
            }
            if let [first, _, ..] = &path[..] {
                let names = path.iter().map(ToString::to_string).collect();
                let mention = self.mention(names, first.span().start().line);
                self.sources.mentions.push(mention);
            }
            path.clear();
            colons = 0;
            match token {
                Some(TokenTree::Ident(word)) => {
                    self.word(&word);
                    path.push(word);
                }
                Some(TokenTree::Group(group)) => self.tokens(group.stream()),
                Some(_) => {}
                None => return,
            }
        }
    }

    fn function(&mut self, name: &Ident, start: usize, end: usize) {
        let file = self.sources.files[self.file].clone();
        let function = Function { file, line: start, name: name.to_string(), lines: end + 1 - start };
        self.sources.functions.push(function);
    }
}

/// `#[cfg(test)]`, and conditions that need it.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let words = |tokens: &str| tokens.split(|c: char| !c.is_alphanumeric()).any(|word| word == "test");
        attribute.path().is_ident("cfg")
            && attribute.meta.require_list().is_ok_and(|list| {
                let tokens = list.tokens.to_string();
                words(&tokens) && !tokens.contains("not")
            })
    })
}

/// The name that an item has in its module.
fn name_of(item: &syn::Item) -> Option<&Ident> {
    use syn::Item;
    Some(match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => return item.ident.as_ref(),
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    })
}

/// Passes over what only tests have.
macro_rules! without_tests {
    ($($visit:ident: $of:ty),*) => {
        $(fn $visit(&mut self, node: &'a $of) {
            if !is_test(&node.attrs) {
                visit::$visit(self, node);
            }
        })*
    };
}

impl<'a> Visit<'a> for Reader<'_> {
    without_tests!(
        visit_field: syn::Field,
        visit_field_value: syn::FieldValue,
        visit_local: syn::Local,
        visit_arm: syn::Arm,
        visit_variant: syn::Variant,
        visit_expr_block: syn::ExprBlock,
        visit_item_impl: syn::ItemImpl,
        visit_trait_item_fn: syn::TraitItemFn
    );

    fn visit_item(&mut self, item: &'a syn::Item) {
        use syn::Item;
        let attributes = match item {
            Item::Const(item) => &item.attrs,
            Item::Enum(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Macro(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Static(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Trait(item) => &item.attrs,
            Item::Type(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if is_test(attributes) {
            return;
        }
        if let Some(name) = name_of(item) {
            let module = self.sources.modules.entry(self.module.clone()).or_default();
            module.items.insert(name.to_string());
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        self.module.push(item.ident.to_string());
        match &item.content {
            Some((_, items)) => {
                let module = Module { file: self.file, ..Module::default() };
                self.sources.modules.insert(self.module.clone(), module);
                items.iter().for_each(|item| self.visit_item(item));
            }
            None => {
                let path = item.attrs.iter().find(|attribute| attribute.path().is_ident("path"));
                let text = path.and_then(|path| path.meta.require_name_value().ok()).and_then(|path| {
                    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &path.value else {
                        return None;
                    };
                    Some(text.value())
                });
                self.children.push((self.module.clone(), text));
            }
        }
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        if item.leading_colon.is_none() {
            self.import(&item.tree, Names::new(), !matches!(item.vis, Visibility::Inherited));
        }
    }

    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        self.function(&item.sig.ident, item.sig.span().start().line, item.block.span().end().line);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        if !is_test(&item.attrs) {
            self.function(&item.sig.ident, item.sig.span().start().line, item.block.span().end().line);
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        if path.leading_colon.is_none() && path.segments.len() > 1 {
            let names = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            let mention = self.mention(names, path.span().start().line);
            self.sources.mentions.push(mention);
        }
        visit::visit_path(self, path);
    }

    fn visit_visibility(&mut self, _: &'a Visibility) {}

    fn visit_macro(&mut self, item: &'a syn::Macro) {
        self.visit_path(&item.path);
        self.tokens(item.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'a Attribute) {
        let syn::Meta::List(list) = &attribute.meta else { return };
        for token in list.tokens.clone() {
            // As serde's `with = "…"`.
            if let TokenTree::Literal(literal) = token
                && let Ok(text) = syn::parse2::<syn::LitStr>(TokenTree::Literal(literal).into())
                && let Ok(path) = text.parse::<syn::Path>()
            {
                self.visit_path(&path);
            }
        }
        self.tokens(list.tokens.clone());
    }

    fn visit_ident(&mut self, word: &'a Ident) {
        self.word(word);
    }
}
