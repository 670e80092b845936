//! The folder of a build, read and asked.

mod folders;
mod names;
mod places;
mod reloads;

use std::{fs, path::Path, time::Duration};

use actix_web::{HttpRequest, http::header::ACCEPT_ENCODING, test::TestRequest};
use tempfile::TempDir;

use super::{
    Loaded, Site, SiteSettings,
    entry::{Body, Entry, Variant},
};

/// A page, longer than what is worth compressing.
fn page(word: &str) -> String {
    format!("<!doctype html><title>{word}</title>{}", "<p>hello</p>".repeat(200))
}

fn write(folder: &Path, path: &str, content: impl AsRef<[u8]>) {
    let file = folder.join(path);
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(file, content).expect("a file");
}

fn build(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "index.html", page("one"));
    files.iter().for_each(|(path, content)| write(folder.path(), path, content));
    folder
}

fn settings(folder: &Path) -> SiteSettings {
    SiteSettings {
        source_maps: false,
        dir: folder.to_owned(),
        immutable: Vec::new(),
        policy: "default-src 'self'".into(),
        retire: Duration::from_secs(60),
        memory: 8 << 20,
    }
}

fn open(folder: &Path) -> (Site, Loaded) {
    Site::open(settings(folder)).expect("a site")
}

fn is_there(site: &Site, path: &str) -> bool {
    site.0.index.load().find(path).is_some()
}

fn with<T>(site: &Site, path: &str, look: impl FnOnce(&Entry) -> T) -> T {
    let index = site.0.index.load();
    look(index.find(path).unwrap_or_else(|| panic!("nothing at {path}")))
}

fn is_immutable(site: &Site, path: &str) -> bool {
    with(site, path, |entry| entry.immutable)
}

fn taking(codings: &str) -> HttpRequest {
    TestRequest::get().insert_header((ACCEPT_ENCODING, codings)).to_http_request()
}

fn coding(site: &Site, path: &str, codings: &str) -> Option<&'static str> {
    with(site, path, |entry| entry.choose(&taking(codings)).coding.map(super::encodings::Coding::token))
}

fn etag(site: &Site, path: &str, codings: &str) -> String {
    with(site, path, |entry| entry.choose(&taking(codings)).etag.to_str().expect("text").to_owned())
}

fn in_memory(variant: &Variant) -> bool {
    matches!(variant.body, Body::Memory(_))
}
