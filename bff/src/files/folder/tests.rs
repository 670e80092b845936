//! The folder by itself.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use super::{Folder, parts::PartFault};
use crate::files::{
    key::FileKey,
    storage::{BlobHeaders, BlobStorage as _, Part, StorageError},
};

fn headers() -> BlobHeaders {
    BlobHeaders {
        content_type: String::new(),
        content_disposition: String::new(),
        cache_control: String::new(),
    }
}

async fn begun() -> (tempfile::TempDir, Folder, FileKey) {
    let root = tempfile::tempdir().expect("a folder");
    let folder = Folder::open(root.path().join("files"), None).expect("writable");
    let key = FileKey::new("ada").expect("randomness");
    folder.begin(&key, &headers()).await.expect("writable");
    (root, folder, key)
}

async fn send(folder: &Folder, key: &FileKey, number: u16, size: u64, body: &[&'static str]) -> bool {
    let pieces = body.iter().map(|piece| Ok::<_, Infallible>(Bytes::from_static(piece.as_bytes())));
    match folder.write_part(key, number, size, stream::iter(pieces.collect::<Vec<_>>())).await {
        Ok(()) => true,
        Err(PartFault::Length | PartFault::Gone) => false,
        Err(PartFault::Storage(error)) => panic!("{error}"),
        Err(PartFault::Body(never)) => match never {},
    }
}

async fn content(folder: &Folder, key: &FileKey, range: std::ops::Range<u64>) -> String {
    let mut pieces = folder.open(key, range).await.expect("readable").expect("there");
    let mut whole = Vec::new();
    while let Some(piece) = pieces.next().await {
        whole.extend_from_slice(&piece.expect("readable"));
    }
    String::from_utf8(whole).expect("text")
}

fn leftovers(root: &tempfile::TempDir) -> usize {
    std::fs::read_dir(root.path().join("files/tmp")).expect("readable").count()
}

#[tokio::test]
async fn parts_become_one_content_that_does_not_change_any_more() {
    let (root, folder, key) = begun().await;
    assert!(send(&folder, &key, 2, 3, &["d", "ef"]).await);
    assert!(!send(&folder, &key, 1, 3, &["ab"]).await, "too short");
    assert!(!send(&folder, &key, 1, 3, &["ab", "cd"]).await, "too long");
    assert!(send(&folder, &key, 1, 3, &["xyz"]).await);
    assert!(send(&folder, &key, 1, 3, &["abc"]).await, "again");
    let parts = folder.parts(&key, "").await.expect("readable").expect("begun");
    let part = |number| Part { number, size: 3, etag: String::new() };
    assert_eq!(parts, [part(1), part(2)]);
    assert_eq!(folder.length(&key).await.expect("readable"), None);
    let (one, two) = tokio::join!(folder.assemble(&key, "", &parts), folder.assemble(&key, "", &parts));
    one.and(two).expect("assembled");
    assert_eq!(content(&folder, &key, 0..6).await, "abcdef");
    assert_eq!(content(&folder, &key, 2..4).await, "cd");
    assert!(!send(&folder, &key, 1, 3, &["new"]).await, "too late");
    assert!(folder.parts(&key, "").await.expect("readable").is_none());
    assert_eq!(leftovers(&root), 0);
    folder.remove_all(&key).await.expect("removed");
    folder.remove_all(&key).await.expect("removed again");
    assert!(folder.open(&key, 0..1).await.expect("readable").is_none());
    assert!(!send(&folder, &key, 1, 3, &["abc"]).await, "gone");
    assert_eq!(leftovers(&root), 0);
}

#[tokio::test]
async fn small_objects_are_listed_in_order_below_a_name() {
    let (_root, folder, _) = begun().await;
    for name in ["pending/2-b", "pending/1-a", "o/x/y/file.json"] {
        folder.write(name, Bytes::from_static(b"{}")).await.expect("writable");
    }
    assert_eq!(folder.names("pending/").await.expect("readable"), ["pending/1-a", "pending/2-b"]);
    assert_eq!(folder.names("o/x/").await.expect("readable"), ["o/x/y/file.json"]);
    assert_eq!(folder.names("o/none/").await.expect("readable"), Vec::<String>::new());
    folder.remove("pending/1-a").await.expect("removed");
    folder.remove("pending/1-a").await.expect("removed again");
    assert_eq!(folder.read("pending/1-a").await.expect("readable"), None);
    assert_eq!(folder.read("pending/2-b").await.expect("readable").as_deref(), Some(&b"{}"[..]));
}

#[tokio::test]
async fn a_full_disk_is_told_from_a_broken_one() {
    let full = StorageError::from(std::io::Error::from(std::io::ErrorKind::StorageFull));
    assert!(matches!(full, StorageError::Full(_)));
    let broken = StorageError::from(std::io::Error::from(std::io::ErrorKind::ReadOnlyFilesystem));
    assert!(matches!(broken, StorageError::Folder(_)));
}
