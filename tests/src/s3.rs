//! A real S3 server (`s3-server` of this crate: s3s-fs) behind a fault proxy.

use std::{net::SocketAddr, path::PathBuf};

use tempfile::TempDir;
use tokio::process::Command;

use crate::{Builder, Program, Proxy, program};

const BUCKET: &str = "pictures";
const ACCESS_KEY_ID: &str = "test-access-key";
/// Planted: it must turn up in no log.
const SECRET_ACCESS_KEY: &str = "planted-s3-secret-0123456789abcdef";

/// A running S3 server. It is killed when this is dropped.
pub struct S3Server {
    _program: Program,
    folder: TempDir,
    address: SocketAddr,
    /// Between the gateway and the server; callers are sent to the server itself.
    pub proxy: Proxy,
}

impl S3Server {
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(program("s3-server"));
        command.arg(folder.path()).args([BUCKET, ACCESS_KEY_ID, SECRET_ACCESS_KEY]);
        let mut program = Program::start(command);
        let line = program.line("listening ").await;
        let address = line.trim_start_matches("listening ").trim().parse().expect("an address");
        let proxy = Proxy::before(address).await.expect("a port");
        Self { _program: program, folder, address, proxy }
    }

    /// The gateway keeps its files in there.
    pub fn of(&self, builder: Builder) -> Builder {
        let endpoint = format!("endpoint={}&public_endpoint=http://{}", self.proxy.url(), self.address);
        builder
            .set("files.url", format!("s3://{BUCKET}?region=eu-test-1&path_style=true&{endpoint}"))
            .set("files.access_key_id", ACCESS_KEY_ID)
            .set("files.secret_access_key", SECRET_ACCESS_KEY)
    }

    /// Files of the server's own: objects, and the parts of uploads that are not over.
    ///
    /// # Panics
    /// When its folder cannot be read.
    #[must_use]
    pub fn objects(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().join(BUCKET)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("its folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found
    }

    /// Uploads that are under way: each has a file of its own beside the bucket.
    ///
    /// # Panics
    /// When its folder cannot be read.
    #[must_use]
    pub fn uploads(&self) -> usize {
        let entries = std::fs::read_dir(self.folder.path()).expect("its folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with(".upload-")).count()
    }
}
