//! Declarations as a whole: good ones compile, and of bad ones every mistake is named.

mod broken;
mod hostile;
mod page;
mod schema;
mod shop;
mod starter;

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Declarations, Mistakes};

/// The folder of the shop, a product of three services with hand-written contracts.
fn shop() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/declare/tests/shop")
}

/// The files of the shop: name and text.
fn shop_files() -> Vec<(String, String)> {
    let names = [
        "gateway.toml",
        "screens/order.toml",
        "routes/orders.toml",
        "orders.yaml",
        "catalogue.yaml",
        "customers.yaml",
    ];
    names.map(|name| (name.to_owned(), fs::read_to_string(shop().join(name)).expect("a file"))).to_vec()
}

/// Reads a folder of these files.
fn read(files: &[(String, String)]) -> Result<Declarations, Mistakes> {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    Declarations::from_dir(dir.path())
}
