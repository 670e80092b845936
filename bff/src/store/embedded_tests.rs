//! What is particular to the embedded store: files, crashes, fsyncs, failing disks.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use redb::StorageBackend;
use redb::backends::FileBackend;

use super::super::conformance;
use super::*;

const HOUR: u64 = 3_600_000;

fn entry(value: &'static str) -> Entry {
    let owner = Some("ada".into());
    Entry { value: Bytes::from_static(value.as_bytes()), owner, expires_at_ms: unix_ms() + HOUR }
}

async fn open(folder: &tempfile::TempDir) -> EmbeddedStore {
    EmbeddedStore::open(&folder.path().join("store.redb")).await.unwrap()
}

#[tokio::test]
async fn the_embedded_store_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("embedded:{}", folder.path().join("store.redb").display());
    let store = super::super::open(&url).await.unwrap();
    conformance::run(Arc::clone(&store), conformance::Expiry::Swept).await;
    conformance::tells_at_once(&*store).await;
}

#[tokio::test]
async fn what_was_written_is_there_after_reopening_and_versions_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let first = store.put(Space::Sessions, b"kept", entry("x")).await.unwrap();
    store.put(Space::Sessions, b"ended", entry("x")).await.unwrap();
    store.delete(Space::Sessions, b"ended").await.unwrap();
    store.increment(Space::Counters, b"tries", Duration::from_secs(60)).await.unwrap();
    drop(store);

    let store = open(&folder).await;
    assert_eq!(store.get(Space::Sessions, b"kept").await.unwrap().unwrap().version, first);
    assert_eq!(store.list_owned(Space::Sessions, "ada").await.unwrap().len(), 1);
    assert!(store.put_if(Space::Sessions, b"kept", Some(first), entry("y")).await.unwrap() > Some(first + 1));
    // Closing in order saves counts, though a crash may lose them.
    assert_eq!(store.increment(Space::Counters, b"tries", Duration::from_secs(60)).await.unwrap().0, 2);
}

#[tokio::test]
async fn folder_and_file_are_made_for_the_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/store.redb");
    let store = EmbeddedStore::open(&path).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    drop(store);
}

#[tokio::test]
async fn a_file_in_use_a_damaged_one_and_an_impossible_one_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let _store = open(&folder).await;
    let path = folder.path().join("store.redb");
    let locked = EmbeddedStore::open(&path).await.err().unwrap();
    assert!(matches!(&locked, StoreError::Locked { .. }), "{locked:?}");
    assert!(locked.to_string().contains("store.redb is in use by another process"), "{locked}");

    for garbage in [&b"this is not a database"[..], &[0x5a; 200_000]] {
        let path = folder.path().join("garbage");
        std::fs::write(&path, garbage).unwrap();
        let corrupt = EmbeddedStore::open(&path).await.err().unwrap();
        assert!(matches!(corrupt, StoreError::Corrupt { .. }), "{corrupt:?}");
        assert_eq!(std::fs::read(&path).unwrap(), garbage, "nothing is overwritten");
    }

    let below_a_file = EmbeddedStore::open(&path.join("store.redb")).await.err().unwrap();
    assert!(matches!(below_a_file, StoreError::Open { .. }), "{below_a_file:?}");
    let a_folder = EmbeddedStore::open(folder.path()).await.err().unwrap();
    assert!(matches!(a_folder, StoreError::Open { .. }), "{a_folder:?}");
}

#[tokio::test]
async fn two_hundred_writes_at_once_share_few_syncs() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(&folder).await);
    let writes = (0..200u32).map(|index| {
        let store = Arc::clone(&store);
        tokio::spawn(
            async move { store.put(Space::Sessions, &index.to_be_bytes(), entry("x")).await.unwrap() },
        )
    });
    for write in writes.collect::<Vec<_>>() {
        write.await.unwrap();
    }
    assert!(store.syncs() <= 20, "{} syncs", store.syncs());
    assert_eq!(store.list_owned(Space::Sessions, "ada").await.unwrap().len(), 200);
}

#[tokio::test]
async fn counts_alone_do_not_sync_the_file_each() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    for _ in 0..50 {
        store.increment(Space::Counters, b"tries", Duration::from_secs(60)).await.unwrap();
    }
    assert!(store.syncs() <= 5, "{} syncs", store.syncs());
}

#[tokio::test]
async fn a_record_of_a_later_format_is_an_error_to_read_and_can_be_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    store.put(Space::Sessions, b"before", entry("x")).await.unwrap();
    let database = store.home.database().unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(RECORDS).unwrap().insert(&b"\x01later"[..], &b"\xfe???"[..]).unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert!(matches!(store.get(Space::Sessions, b"later").await, Err(StoreError::Format)));
    assert!(store.put_if(Space::Sessions, b"later", None, entry("x")).await.unwrap().is_some());
    assert_eq!(store.get(Space::Sessions, b"later").await.unwrap().unwrap().value, "x");
}

/// A disk that can be told to refuse.
#[derive(Debug)]
struct Disk {
    file: FileBackend,
    full: Arc<AtomicBool>,
}

impl Disk {
    fn check(&self) -> io::Result<()> {
        if self.full.load(Ordering::SeqCst) { Err(io::Error::other("disk full")) } else { Ok(()) }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check().and_then(|()| self.file.set_len(len))
    }
    fn sync_data(&self) -> io::Result<()> {
        self.check().and_then(|()| self.file.sync_data())
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check().and_then(|()| self.file.write(offset, data))
    }
    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_all_heals_when_there_is_room_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let full = Arc::new(AtomicBool::new(false));
    let opener = Arc::clone(&full);
    let store = EmbeddedStore::start(Box::new(move || {
        let file = FileBackend::new(open_file(&path).unwrap()).unwrap();
        let disk = Disk { file, full: Arc::clone(&opener) };
        make_tables(Builder::new().create_with_backend(disk).map_err(|error| open_error(&path, error))?)
    }))
    .unwrap();
    store.put(Space::Sessions, b"before", entry("x")).await.unwrap();

    full.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        assert!(store.put(Space::Sessions, b"lost", entry("x")).await.is_err());
    }
    assert!(store.ping().await.is_err());

    full.store(false, Ordering::SeqCst);
    let healed = Instant::now() + Duration::from_secs(10);
    while store.ping().await.is_err() {
        assert!(Instant::now() < healed, "still broken");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(store.get(Space::Sessions, b"before").await.unwrap().is_some());
    store.put(Space::Sessions, b"after", entry("x")).await.unwrap();
    assert!(store.get(Space::Sessions, b"after").await.unwrap().is_some());
}

#[tokio::test]
async fn dropping_the_store_while_the_disk_is_full_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let full = Arc::new(AtomicBool::new(false));
    let opener = Arc::clone(&full);
    let store = EmbeddedStore::start(Box::new(move || {
        let file = FileBackend::new(open_file(&path).unwrap()).unwrap();
        let disk = Disk { file, full: Arc::clone(&opener) };
        make_tables(Builder::new().create_with_backend(disk).map_err(|error| open_error(&path, error))?)
    }))
    .unwrap();
    full.store(true, Ordering::SeqCst);
    assert!(store.put(Space::Sessions, b"lost", entry("x")).await.is_err());
    tokio::task::spawn_blocking(move || drop(store)).await.unwrap();
}
