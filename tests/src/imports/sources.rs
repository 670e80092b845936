//! The crate's files, found as the compiler finds them: from a root file along its `mod` declarations.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use proc_macro2::TokenStream;

use super::{
    Import, Names,
    paths::{Child, Reader},
};

/// Every path out of a module that the crate's sources name, in the order of the files. `folder` holds the
/// root files `roots` (`lib.rs`, `main.rs`).
///
/// # Errors
/// A file that cannot be read or is no Rust, and a file below `folder` that belongs to no module: nobody would
/// know who uses what in it.
pub fn read(folder: &Path, roots: &[&str]) -> io::Result<Vec<Import>> {
    let mut sources = Sources { folder, seen: BTreeSet::new(), imports: Vec::new() };
    for root in roots {
        sources.module(&folder.join(root), &Names::new())?;
    }
    let mut files = BTreeSet::new();
    list(folder, &mut files)?;
    if let Some(stray) = files.difference(&sources.seen).next() {
        return Err(io::Error::other(format!("{} belongs to no module", stray.display())));
    }
    Ok(sources.imports)
}

struct Sources<'s> {
    folder: &'s Path,
    seen: BTreeSet<PathBuf>,
    imports: Vec<Import>,
}

impl Sources<'_> {
    fn module(&mut self, file: &Path, module: &Names) -> io::Result<()> {
        self.seen.insert(file.to_owned());
        let within = |error: &dyn std::fmt::Display| io::Error::other(format!("{}: {error}", file.display()));
        let text = fs::read_to_string(file).map_err(|error| within(&error))?;
        let tokens: TokenStream = text.parse().map_err(|error| within(&error))?;
        let shown = file.strip_prefix(self.folder).unwrap_or(file);
        let (imports, children) = Reader::new(shown, module.clone()).read(tokens);
        self.imports.extend(imports);
        for child in children {
            let next = child_file(file, module, &child);
            self.module(&next, &child.module)?;
        }
        Ok(())
    }
}

/// Where a module declared in `file` is (Rust reference, "Module source filenames").
fn child_file(file: &Path, module: &Names, child: &Child) -> PathBuf {
    let beside = file.parent().unwrap_or(Path::new(""));
    let owns_its_folder =
        file.file_stem().is_some_and(|stem| ["mod", "lib", "main"].iter().any(|own| stem == *own));
    if let Some(path) = &child.path {
        return beside.join(path);
    }
    let mut folder = if owns_its_folder { beside.to_owned() } else { file.with_extension("") };
    let (name, inline) = child.module[module.len()..].split_last().expect("a child has a name");
    folder.extend(inline);
    let flat = folder.join(format!("{name}.rs"));
    if flat.exists() { flat } else { folder.join(name).join("mod.rs") }
}

fn list(folder: &Path, files: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.insert(path);
        }
    }
    Ok(())
}
