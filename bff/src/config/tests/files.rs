//! Where files are kept, and their bounds.

use super::load;
use crate::config::FileStorage;

const BUCKET: &str = "s3://pictures?endpoint=http://127.0.0.1:9000";

fn paths(variables: &[(&str, &str)]) -> Vec<String> {
    match load(variables) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.mistakes().iter().map(|mistake| mistake.path.clone()).collect(),
    }
}

#[test]
fn nothing_said_is_no_files_and_a_folder_is_one() {
    assert_eq!(load(&[]).unwrap().files.storage(), Ok(FileStorage::None));
    let folder = load(&[("BFF__FILES__URL", "folder:uploads")]).unwrap();
    assert_eq!(folder.files.storage(), Ok(FileStorage::Folder("uploads".into())));
    assert!(folder.warnings().is_empty(), "{:?}", folder.warnings());
}

#[test]
fn all_mistakes_of_files_are_told_at_once() {
    let told = paths(&[
        ("BFF__FILES__URL", "ftp://host"),
        ("BFF__FILES__ACCEL", "internal"),
        ("BFF__FILES__TYPES", "image/jpeg,text/html"),
        ("BFF__FILES__MAX_BYTES", "0"),
        ("BFF__FILES__TIMEOUT_MS", "1"),
    ]);
    assert_eq!(told, ["files.accel", "files.max_bytes", "files.timeout_ms", "files.types[1]", "files.url"]);
}

#[test]
fn a_bucket_needs_its_credentials_and_no_accel() {
    let bucket = ("BFF__FILES__URL", BUCKET);
    assert_eq!(paths(&[bucket]), ["files.access_key_id", "files.secret_access_key"]);
    let key = ("BFF__FILES__ACCESS_KEY_ID", "key");
    let secret = ("BFF__FILES__SECRET_ACCESS_KEY", "planted-secret");
    assert_eq!(paths(&[bucket, key, secret, ("BFF__FILES__ACCEL", "/internal/")]), ["files.accel"]);
    let config = load(&[bucket, key, secret]).unwrap();
    assert!(matches!(config.files.storage(), Ok(FileStorage::S3(_))));
    let printed = format!("{config:?} {}", serde_json::to_string(&config).unwrap());
    assert!(!printed.contains("planted-secret"));
    let pasted = [("BFF__FILES__URL", "s3://key:planted-secret@pictures"), key, secret];
    let told = load(&pasted).unwrap_err().to_string();
    assert!(told.contains("files.url") && !told.contains("planted-secret"), "{told}");
}

#[test]
fn a_type_that_browsers_run_cannot_be_allowed() {
    for dangerous in ["text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript", "*/*"] {
        assert_eq!(paths(&[("BFF__FILES__TYPES", dangerous)]), ["files.types[0]"], "{dangerous}");
    }
    assert_eq!(paths(&[("BFF__FILES__TYPES", "[]")]), ["files.types"]);
}

#[test]
fn bounds_fit_together() {
    let small = [("BFF__FILES__PER_USER_DAY_BYTES", "1000")];
    assert_eq!(paths(&small), ["files.per_user_day_bytes"]);
    assert_eq!(paths(&[("BFF__FILES__PENDING_MS", "60000")]), ["files.pending_ms"]);
}
