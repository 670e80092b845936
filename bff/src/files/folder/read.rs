//! Reads of a file in a folder, some of it at a time.

use std::{
    io::{self, SeekFrom},
    ops::Range,
    path::Path,
};

use bytes::Bytes;
use futures_util::stream;
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncSeekExt as _},
};

use crate::files::storage::{Pieces, StorageError};

const BLOCK: usize = 64 * 1024;

pub(super) async fn open(path: &Path, range: Range<u64>) -> Result<Option<Pieces>, StorageError> {
    let mut file = match File::open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if range.start > 0 {
        file.seek(SeekFrom::Start(range.start)).await?;
    }
    let left = range.end.saturating_sub(range.start);
    Ok(Some(Box::pin(stream::try_unfold((file, left), next))))
}

type Reading = (File, u64);

async fn next((mut file, left): Reading) -> Result<Option<(Bytes, Reading)>, StorageError> {
    if left == 0 {
        return Ok(None);
    }
    let mut block = vec![0; usize::try_from(left).map_or(BLOCK, |left| left.min(BLOCK))];
    let read = file.read(&mut block).await?;
    if read == 0 {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    block.truncate(read);
    Ok(Some((block.into(), (file, left - read as u64))))
}
