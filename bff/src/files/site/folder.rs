//! The folder of a build: which files in it are part of the app.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{SiteError, place, settings::MOST_FILES};

const DEEPEST: usize = 32;
const MOST_NOTES: usize = 20;

/// A file, and the path that it is served from.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) path: String,
    pub(super) file: PathBuf,
    pub(super) length: u64,
    pub(super) modified: Option<SystemTime>,
}

/// What is not served, and why.
#[derive(Debug, Default)]
pub(super) struct Notes {
    lines: Vec<String>,
    more: usize,
}

impl Notes {
    pub(super) fn add(&mut self, path: &str, why: &str) {
        if self.lines.len() < MOST_NOTES {
            self.lines.push(format!("{path} {why}"));
        } else {
            self.more += 1;
        }
    }

    pub(super) fn into_lines(mut self) -> Vec<String> {
        if self.more > 0 {
            self.lines.push(format!("and {} more", self.more));
        }
        self.lines
    }
}

/// Every file of the app, in the order of their paths. Hidden files are left out, and so are links that lead out of
/// the folder.
///
/// # Errors
/// When a part of the folder cannot be read, or holds too much.
pub(super) fn walk(dir: &Path, notes: &mut Notes) -> Result<Vec<Found>, SiteError> {
    // A deploy may be a link that is turned from one build to the next: this is the build of now.
    let root = fs::canonicalize(dir).map_err(unreadable(dir))?;
    let mut walk = Walk { root: &root, found: Vec::new(), notes };
    walk.below(&root, "", 0)?;
    Ok(walk.found)
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> SiteError {
    let path = path.to_owned();
    |source| SiteError::Read { path, source }
}

struct Walk<'a> {
    root: &'a Path,
    found: Vec<Found>,
    notes: &'a mut Notes,
}

impl Walk<'_> {
    /// `folder` is a real path: no part of it is a link.
    fn below(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), SiteError> {
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = entries.map_err(unreadable(folder))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let Some(name) =
                name.to_str().filter(|name| !name.contains(|c: char| c == '\\' || c.is_control()))
            else {
                self.notes.add(&format!("{prefix}/{}", name.display()), "has a name that no URL has");
                continue;
            };
            let path = format!("{prefix}/{name}");
            if name.starts_with('.') && path != "/.well-known" {
                continue;
            }
            if place::is_closed(&path) {
                self.notes.add(&path, "is not served: the path is the gateway's own");
                continue;
            }
            let linked = entry.file_type().map_err(unreadable(&entry.path()))?.is_symlink();
            let Some(real) = self.real(&entry.path(), &path, linked)? else { continue };
            let about = fs::metadata(&real).map_err(unreadable(&real))?;
            if about.is_dir() {
                if depth == DEEPEST || (linked && folder.starts_with(&real)) {
                    self.notes
                        .add(&path, "is not served: it is too deep, or a link to a folder that it is in");
                } else {
                    self.below(&real, &path, depth + 1)?;
                }
            } else if about.is_file() {
                let (length, modified) = (about.len(), about.modified().ok());
                self.found.push(Found { path, file: real, length, modified });
                if self.found.len() > MOST_FILES {
                    return Err(SiteError::TooMany(self.root.to_owned()));
                }
            }
        }
        Ok(())
    }

    /// Where a link leads, if that is in the folder.
    fn real(&mut self, file: &Path, path: &str, linked: bool) -> Result<Option<PathBuf>, SiteError> {
        if !linked {
            return Ok(Some(file.to_owned()));
        }
        match fs::canonicalize(file) {
            Ok(real) if real.starts_with(self.root) => return Ok(Some(real)),
            Ok(_) => self.notes.add(path, "is not served: the link leads out of the folder"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.notes.add(path, "is not served: the link leads nowhere");
            }
            Err(source) => return Err(SiteError::Read { path: file.to_owned(), source }),
        }
        Ok(None)
    }
}
