//! A product that a test declares: a folder of `gateway.toml`, `screens/`, `routes/` and contracts.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Where accounts are.
const ACCOUNTS: &str = r#"
[upstreams.people]
url = "http://127.0.0.1:9"

[accounts]
upstream = "people"
card = ["id", "username"]
"#;

/// What every such product has besides its upstreams.
const HEAD: &str = r#"
[tags]
kinds = ["user", "book", "books", "author"]

[topics]
open = ["book"]
own = ["user"]
"#;

/// The folder. Gone when this is dropped.
#[derive(Debug)]
pub struct Product {
    folder: TempDir,
    gateway: String,
    has_people: bool,
}

impl Default for Product {
    fn default() -> Self {
        Self::new()
    }
}

impl Product {
    /// A product with accounts at the upstream `people` and nothing else.
    ///
    /// # Panics
    /// Without a folder.
    #[must_use]
    pub fn new() -> Self {
        Self::with(format!("{ACCOUNTS}{HEAD}"), true)
    }

    /// A product whose accounts no upstream keeps: `accounts` is what it says of them.
    ///
    /// # Panics
    /// Without a folder.
    #[must_use]
    pub fn with_accounts(accounts: &str) -> Self {
        Self::with(format!("{accounts}{HEAD}"), false)
    }

    fn with(gateway: String, has_people: bool) -> Self {
        let product = Self { folder: tempfile::tempdir().expect("a folder"), gateway, has_people };
        product.write("gateway.toml", &product.gateway);
        product
    }

    /// Whether its accounts are at the upstream `people`.
    pub(super) fn has_people(&self) -> bool {
        self.has_people
    }

    /// A product over one upstream, `shelf`, without a contract.
    #[must_use]
    pub fn over_shelf() -> Self {
        Self::new().gateway("[upstreams.shelf]\nurl = \"http://127.0.0.1:9\"\n")
    }

    /// A product over one upstream, `shelf`, with a contract (YAML): `paths` and `schemas` of it.
    #[must_use]
    pub fn over_shelf_by(paths: &str, schemas: &str) -> Self {
        let head = "openapi: 3.0.3\ninfo: { title: Shelf, version: \"1\" }\n";
        let schemas =
            if schemas.is_empty() { String::new() } else { format!("components:\n  schemas:\n{schemas}\n") };
        let contract = format!("{head}paths:\n{paths}\n{schemas}");
        let section = "[upstreams.shelf]\nurl = \"http://127.0.0.1:9\"\ncontract = \"shelf.yaml\"\n";
        Self::new().gateway(section).file("shelf.yaml", &contract)
    }

    /// Adds to `gateway.toml`.
    #[must_use]
    pub fn gateway(mut self, text: &str) -> Self {
        self.gateway += &format!("\n{text}");
        self.write("gateway.toml", &self.gateway);
        self
    }

    /// Adds `screens/NAME.toml`.
    #[must_use]
    pub fn screen(self, name: &str, text: &str) -> Self {
        self.file(&format!("screens/{name}.toml"), text)
    }

    /// Adds `routes/NAME.toml`.
    #[must_use]
    pub fn routes(self, name: &str, text: &str) -> Self {
        self.file(&format!("routes/{name}.toml"), text)
    }

    /// Adds a file.
    #[must_use]
    pub fn file(self, path: &str, text: &str) -> Self {
        self.write(path, text);
        self
    }

    /// Writes a file, also over one that is there.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("its folder");
        std::fs::write(path, text).expect("a file");
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.folder.path()
    }
}

/// The second product of this repository, `tests/shop`.
#[must_use]
pub fn shop() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("shop")
}
