//! One build after the other.

use std::fs;

use super::*;

const OLD: &str = "assets/index-B3k_x9aQ.js";
const NEW: &str = "assets/index-C4m_y0bR.js";

#[test]
fn a_new_build_is_served_and_chunks_of_the_old_one_stay() {
    let folder = build(&[(OLD, "old"), ("logo.svg", "<svg/>"), ("gone.txt", "x")]);
    let (site, _) = open(folder.path());
    let (before, logo) = (etag(&site, "/", ""), etag(&site, "/logo.svg", ""));
    write(folder.path(), "index.html", page("two"));
    write(folder.path(), NEW, "new");
    fs::remove_file(folder.path().join(OLD)).expect("removed");
    fs::remove_file(folder.path().join("gone.txt")).expect("removed");
    assert!(!is_there(&site, "/assets/index-C4m_y0bR.js"), "nothing changes by itself");

    let loaded = site.reload().expect("a build");
    assert_eq!((loaded.files, loaded.changed, loaded.retired), (4, 2, 1));
    assert_ne!(etag(&site, "/", ""), before);
    assert_eq!(etag(&site, "/logo.svg", ""), logo);
    assert!(is_there(&site, "/assets/index-C4m_y0bR.js") && is_there(&site, "/assets/index-B3k_x9aQ.js"));
    assert!(!is_there(&site, "/gone.txt"), "what has no hash in its name goes with its build");

    let loaded = site.reload().expect("a build");
    assert_eq!((loaded.changed, loaded.retired), (0, 1), "it stays from when it was gone, however often");
    assert_eq!(site.forget(), 0, "its time is not over");
}

#[test]
fn chunks_of_the_old_build_go_when_their_time_is_over() {
    let folder = build(&[(OLD, "old")]);
    let brief = SiteSettings { retire: Duration::from_nanos(1), ..settings(folder.path()) };
    let (site, _) = Site::open(brief).expect("a site");
    fs::remove_file(folder.path().join(OLD)).expect("removed");
    assert_eq!(site.reload().expect("a build").retired, 1);
    assert_eq!(site.forget(), 1);
    assert!(!is_there(&site, "/assets/index-B3k_x9aQ.js") && is_there(&site, "/"));
}

#[test]
fn half_a_build_changes_nothing() {
    let folder = build(&[(OLD, "old")]);
    let (site, _) = open(folder.path());
    let before = etag(&site, "/", "");
    fs::remove_file(folder.path().join("index.html")).expect("removed");
    let error = site.reload().expect_err("no page");
    assert!(error.to_string().contains("no index.html"), "{error}");
    assert_eq!(etag(&site, "/", ""), before);
}

#[test]
fn copies_are_made_again_only_of_what_has_changed() {
    let folder = build(&[("app.js", &"same();\n".repeat(500))]);
    let (site, _) = open(folder.path());
    let packed = |site: &Site, path: &str| {
        with(site, path, |entry| match &entry.choose(&taking("br")).body {
            Body::Memory(bytes) => bytes.as_ptr() as usize,
            Body::Disk(_) => panic!("it is small"),
        })
    };
    let (page_before, app_before) = (packed(&site, "/"), packed(&site, "/app.js"));
    let _held = site.0.index.load_full();
    write(folder.path(), "index.html", page("two"));
    let _ = site.reload().expect("a build");
    assert_eq!(packed(&site, "/app.js"), app_before);
    assert_ne!(packed(&site, "/"), page_before);
}

#[test]
fn a_deploy_that_turns_a_link_is_seen_at_the_reload() {
    let releases = tempfile::tempdir().expect("a folder");
    let root = releases.path();
    write(root, "1/index.html", page("one"));
    write(root, "2/index.html", page("two"));
    std::os::unix::fs::symlink("1", root.join("current")).expect("a link");
    let (site, _) = open(&root.join("current"));
    let before = etag(&site, "/", "");
    fs::remove_file(root.join("current")).expect("removed");
    std::os::unix::fs::symlink("2", root.join("current")).expect("a link");
    let _ = site.reload().expect("a build");
    assert_ne!(etag(&site, "/", ""), before);
}
