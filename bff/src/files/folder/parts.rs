//! The parts of an upload in a folder: written as they come, and put together once.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use tokio::io::AsyncWriteExt as _;

use super::disk::{nameless, sync_folder};
use crate::files::{
    key::FileKey,
    storage::{Part, StorageError},
};

/// So much of a part is in memory at a time.
const BLOCK: usize = 256 * 1024;

/// Where the parts of `key` lie.
pub(super) fn folder(key: &FileKey) -> String {
    key.folder() + "parts/"
}

/// Why a part was not taken.
#[derive(Debug)]
pub(in crate::files) enum PartFault<E> {
    /// There is no such upload, or it has been put together.
    Gone,
    /// The body ends too soon or goes on for too long.
    Length,
    /// The caller's side failed.
    Body(E),
    Storage(StorageError),
}

impl<E> From<io::Error> for PartFault<E> {
    fn from(error: io::Error) -> Self {
        Self::Storage(error.into())
    }
}

/// Writes exactly `size` bytes as they come; they are on the disk then.
pub(super) async fn write_to<E>(
    path: &Path,
    size: u64,
    body: impl Stream<Item = Result<Bytes, E>>,
) -> Result<(), PartFault<E>> {
    let mut file = tokio::fs::File::create_new(path).await?;
    let mut body = std::pin::pin!(body);
    let (mut block, mut left) = (BytesMut::with_capacity(BLOCK), size);
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(PartFault::Body)?;
        left = left.checked_sub(piece.len() as u64).ok_or(PartFault::Length)?;
        block.extend_from_slice(&piece);
        if block.len() >= BLOCK {
            file.write_all(&block).await?;
            block.clear();
        }
    }
    if left > 0 {
        return Err(PartFault::Length);
    }
    file.write_all(&block).await?;
    file.flush().await?;
    Ok(file.sync_all().await?)
}

/// The parts that have arrived; nothing where there is no upload.
pub(super) fn list(folder: &Path) -> io::Result<Option<Vec<Part>>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut parts = Vec::new();
    for entry in entries {
        let entry = entry?;
        let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let Some(number) = number else { continue };
        match entry.metadata() {
            Ok(about) => parts.push(Part { number, size: about.len(), etag: String::new() }),
            // It was taken away meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    parts.sort_by_key(|part| part.number);
    Ok(Some(parts))
}

/// Puts the parts together under the name of the content, which only one call gives away.
pub(super) fn assemble(root: &Path, key: &FileKey, numbers: &[u16]) -> io::Result<()> {
    let (data, parts) = (root.join(key.data()), root.join(folder(key)));
    if data.exists() {
        return Ok(());
    }
    let whole = nameless(root)?;
    let assembled = match numbers {
        // A part never changes: one of the same number that comes later is another file.
        [one] => fs::hard_link(parts.join(one.to_string()), &whole),
        _ => concatenate(&parts, numbers, &whole),
    };
    let linked = assembled.and_then(|()| match fs::hard_link(&whole, &data) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let _ = fs::remove_file(&whole);
    match linked {
        // Another call was first and has taken the parts away.
        Err(error) if error.kind() == io::ErrorKind::NotFound && data.exists() => return Ok(()),
        linked => linked?,
    }
    data.parent().map_or(Ok(()), sync_folder)?;
    // Not needed any more; what stays goes with the file.
    let _ = fs::remove_dir_all(&parts);
    Ok(())
}

fn concatenate(parts: &Path, numbers: &[u16], whole: &Path) -> io::Result<()> {
    let mut file = File::create_new(whole)?;
    for number in numbers {
        io::copy(&mut File::open(parts.join(number.to_string()))?, &mut file)?;
    }
    file.sync_all()
}
