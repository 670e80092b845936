//! The files that declarations stand in: of a folder, or compiled into the command.

use std::{
    fs,
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::super::mistake::{Report, Spot};

/// The largest TOML file. A screen takes some kilobytes.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// The largest contract.
const MAX_CONTRACT_BYTES: u64 = 16 << 20;
/// The most files in a folder.
const MAX_FILES: usize = 2000;

/// A text file, and its name in mistakes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::declare) struct SourceFile {
    pub(in crate::declare) name: Arc<str>,
    /// The file's name without folder and ending.
    pub(in crate::declare) stem: String,
    pub(in crate::declare) text: String,
}

/// A set of files.
#[derive(Debug, Clone, Default)]
pub(in crate::declare) struct Sources {
    pub(in crate::declare) gateway: Option<SourceFile>,
    pub(in crate::declare) screens: Vec<SourceFile>,
    pub(in crate::declare) routes: Vec<SourceFile>,
    /// Where contracts are looked for.
    pub(in crate::declare) contracts: ContractFiles,
}

/// Where contracts are.
#[derive(Debug, Clone)]
pub(in crate::declare) enum ContractFiles {
    /// Relative to this folder.
    In(PathBuf),
    /// Compiled into the command: name and text.
    Embedded(&'static [(&'static str, &'static str)]),
}

impl Default for ContractFiles {
    fn default() -> Self {
        Self::Embedded(&[])
    }
}

impl Sources {
    /// The files of a folder, by name, so that the order in which a file system lists them changes nothing.
    pub(in crate::declare) fn of_dir(dir: &Path, report: &Report) -> Self {
        Self {
            // Every gateway has one; of screens and routes there may be none.
            gateway: read_file(&dir.join("gateway.toml"), report),
            screens: files_in(&dir.join("screens"), report),
            routes: files_in(&dir.join("routes"), report),
            contracts: ContractFiles::In(dir.to_owned()),
        }
    }

    /// An empty `gateway.toml` alone.
    pub(in crate::declare) fn none() -> Self {
        Self::embedded(&[("gateway.toml", "")], &[])
    }

    /// Files that are compiled in: `gateway.toml`, `screens/home-feed.toml`, …
    pub(in crate::declare) fn embedded(
        files: &'static [(&'static str, &'static str)],
        contracts: &'static [(&'static str, &'static str)],
    ) -> Self {
        let mut sources = Self { contracts: ContractFiles::Embedded(contracts), ..Self::default() };
        for (name, text) in files {
            let path = Path::new(name);
            let file = SourceFile { name: Arc::from(*name), stem: stem(path), text: (*text).to_owned() };
            match path.parent().and_then(Path::to_str) {
                Some("screens") => sources.screens.push(file),
                Some("routes") => sources.routes.push(file),
                _ => sources.gateway = Some(file),
            }
        }
        sources
    }
}

impl ContractFiles {
    /// The name of a contract in mistakes, and its bytes.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(in crate::declare) fn read(&self, name: &str) -> Result<(Arc<str>, Vec<u8>), String> {
        match self {
            Self::In(dir) => {
                let path = dir.join(name);
                let bytes = bytes_of(&path, MAX_CONTRACT_BYTES)?;
                Ok((shown(&path), bytes))
            }
            Self::Embedded(files) => {
                let found = files.iter().find(|(known, _)| *known == name);
                let (name, text) = found.ok_or_else(|| format!("there is no contract {name}"))?;
                Ok((Arc::from(*name), text.as_bytes().to_owned()))
            }
        }
    }
}

fn files_in(dir: &Path, report: &Report) -> Vec<SourceFile> {
    let here = Spot::file(&shown(dir));
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        // A gateway may have no screens, or no routes.
        Err(error) if error.kind() == ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            report.add(&here, format_args!("cannot be read: {error}"));
            return Vec::new();
        }
    };
    let mut paths = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) => paths.push(entry.path()),
            Err(error) => report.add(&here, format_args!("cannot be read: {error}")),
        }
    }
    paths.retain(|path| {
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        path.extension().is_some_and(|ending| ending == "toml") && !hidden
    });
    paths.sort();
    if paths.len() > MAX_FILES {
        report.add(&here, format_args!("holds {} files; at most {MAX_FILES} are read", paths.len()));
        paths.truncate(MAX_FILES);
    }
    paths.iter().filter_map(|path| read_file(path, report)).collect()
}

fn read_file(path: &Path, report: &Report) -> Option<SourceFile> {
    let name = shown(path);
    let bytes = match bytes_of(path, MAX_FILE_BYTES) {
        Ok(bytes) => bytes,
        Err(what) => {
            report.add(&Spot::file(&name), what);
            return None;
        }
    };
    match String::from_utf8(bytes) {
        Ok(text) => Some(SourceFile { name, stem: stem(path), text }),
        Err(error) => {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = line_of(valid, valid.len());
            report.add(&Spot { line, ..Spot::file(&name) }, "is no UTF-8 here");
            None
        }
    }
}

/// Reads a file up to a size: one that is larger is not read into memory.
fn bytes_of(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    // A pipe waits to be opened from its other end, a device may have no end, and opening a folder succeeds on some systems.
    if !fs::metadata(path).map_err(cannot)?.is_file() {
        return Err("is no file".to_owned());
    }
    let file = fs::File::open(path).map_err(cannot)?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > most {
        return Err(format!("is larger than {most} bytes"));
    }
    Ok(bytes)
}

/// The line of a byte, counted from 1.
pub(in crate::declare) fn line_of(text: &[u8], at: usize) -> u32 {
    let before = text.get(..at).unwrap_or(text);
    u32::try_from(memchr::memchr_iter(b'\n', before).count()).unwrap_or(u32::MAX - 1) + 1
}

fn shown(path: &Path) -> Arc<str> {
    path.display().to_string().into()
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}
