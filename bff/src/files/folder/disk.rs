//! File system calls that hold through a crash: a file has its name once its bytes are on the disk, and the name is on the
//! disk before anybody hears of it. All of it blocks.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use bytes::Bytes;

use crate::files::key::hex;

/// A name in `ROOT/tmp` that nothing has.
pub(super) fn nameless(root: &Path) -> io::Result<PathBuf> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(root.join("tmp").join(hex(&random)))
}

/// Has the names within `folder` on the disk.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes `folder` and all above it, below `root`.
pub(super) fn make_folder(root: &Path, folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    for made in folder.ancestors().skip(1).take_while(|above| above.starts_with(root)) {
        sync_folder(made)?;
    }
    Ok(())
}

/// Gives `file`, whose bytes are on the disk, its name.
pub(super) fn name(file: &Path, path: &Path) -> io::Result<()> {
    fs::rename(file, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

pub(super) fn write(root: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        make_folder(root, folder)?;
    }
    let temporary = nameless(root)?;
    let written = (|| {
        let mut file = File::create_new(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        name(&temporary, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

pub(super) fn read(path: &Path, most: usize) -> io::Result<Option<Bytes>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a small object is too large"));
    }
    Ok(Some(bytes.into()))
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Takes a folder out of sight at once, and then away. What a crash leaves of it has no name that anybody asks for.
pub(super) fn discard(root: &Path, folder: &Path) -> io::Result<()> {
    let gone = nameless(root)?;
    match fs::rename(folder, &gone) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    if let Some(above) = folder.parent() {
        sync_folder(above)?;
    }
    fs::remove_dir_all(&gone)
}

/// The paths of the first `most` files below `folder`, each behind `prefix`, in order.
pub(super) fn names(folder: &Path, prefix: &str, most: usize) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    collect(folder, prefix, most, &mut found)?;
    Ok(found)
}

fn collect(folder: &Path, prefix: &str, most: usize, found: &mut Vec<String>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut entries = entries.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if found.len() >= most {
            break;
        }
        let Ok(name) = entry.file_name().into_string() else { continue };
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{prefix}{name}/"), most, found)?;
        } else {
            found.push(format!("{prefix}{name}"));
        }
    }
    Ok(())
}
