//! What of a folder is served, and in which form.

use std::{fs, os::unix::fs::symlink};

use super::*;
use crate::files::site::{SiteError, encodings::Coding};

#[test]
fn pages_and_files_are_found_and_nothing_hidden() {
    let folder = build(&[
        ("about.html", "about"),
        ("guide/index.html", "guide"),
        ("한글 file.txt", "named"),
        (".env", "SECRET=1"),
        (".git/config", "x"),
        (".well-known/security.txt", "Contact: mailto:x@example.org"),
        (".well-known/.hidden", "x"),
        ("api/orders.json", "{}"),
        ("docs/index.html", "x"),
        ("config.js", "x"),
        ("apiary.js", "x"),
    ]);
    let (site, loaded) = open(folder.path());
    for path in [
        "/",
        "/index.html",
        "/about.html",
        "/about",
        "/about/",
        "/guide/index.html",
        "/guide",
        "/guide/",
        "/한글 file.txt",
        "/.well-known/security.txt",
        "/apiary.js",
    ] {
        assert!(is_there(&site, path), "{path}");
    }
    for path in [
        "/.env",
        "/.git/config",
        "/.well-known/.hidden",
        "/api/orders.json",
        "/docs/index.html",
        "/config.js",
        "/nothing",
        "/guide/index",
    ] {
        let folder_page = path == "/guide/index";
        assert_eq!(is_there(&site, path), folder_page, "{path}");
    }
    assert_eq!(loaded.files, 6);
    assert_eq!(loaded.notes.len(), 3, "{:?}", loaded.notes);
    assert!(loaded.notes.iter().all(|note| note.contains("the gateway's own")), "{:?}", loaded.notes);
}

#[test]
fn links_are_followed_within_the_folder_only() {
    let outside = tempfile::tempdir().expect("a folder");
    write(outside.path(), "secret.txt", "secret");
    let folder = build(&[("..data/real.js", "alert(1)"), ("v2/a.js", "2")]);
    let root = folder.path();
    symlink(outside.path().join("secret.txt"), root.join("leak.txt")).expect("a link");
    symlink(outside.path(), root.join("leak")).expect("a link");
    symlink("../../../../../etc/passwd", root.join("passwd.txt")).expect("a link");
    symlink("nowhere", root.join("broken.js")).expect("a link");
    // As Kubernetes mounts a ConfigMap.
    symlink("..data/real.js", root.join("mounted.js")).expect("a link");
    symlink("v2", root.join("latest")).expect("a link");
    symlink(".", root.join("loop")).expect("a link");
    let (site, loaded) = open(root);
    for path in ["/mounted.js", "/latest/a.js", "/v2/a.js"] {
        assert!(is_there(&site, path), "{path}");
    }
    for path in
        ["/leak.txt", "/leak/secret.txt", "/passwd.txt", "/broken.js", "/loop/index.html", "/..data/real.js"]
    {
        assert!(!is_there(&site, path), "{path}");
    }
    assert_eq!(loaded.notes.len(), 5, "{:?}", loaded.notes);
}

#[test]
fn a_folder_that_no_build_has_made_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(matches!(Site::open(settings(folder.path())), Err(SiteError::NoPage(_))));
    assert!(matches!(Site::open(settings(&folder.path().join("x"))), Err(SiteError::Read { .. })));
    let page = build(&[]);
    let policy = SiteSettings { policy: "a\nb".into(), ..settings(page.path()) };
    assert!(matches!(Site::open(policy), Err(SiteError::Policy(_))));
}

#[test]
fn copies_of_the_build_are_used_and_missing_ones_made() {
    let script = "console.log('hello world');\n".repeat(100);
    let folder = build(&[("app.js", &script), ("other.js", &script), ("tiny.js", "1"), ("archive.gz", "x")]);
    let packed = |coding: Coding| coding.compress(script.as_bytes()).expect("smaller");
    write(folder.path(), "app.js.br", packed(Coding::Brotli));
    write(folder.path(), "app.js.zst", packed(Coding::Zstd));
    let (site, loaded) = open(folder.path());
    assert_eq!(loaded.notes, Vec::<String>::new());
    assert_eq!(coding(&site, "/app.js", "gzip, deflate, br, zstd"), Some("br"));
    assert_eq!(coding(&site, "/app.js", "gzip, zstd"), Some("zstd"));
    assert_eq!(coding(&site, "/app.js", "gzip"), Some("gzip"), "made, since the build has none");
    assert_eq!(coding(&site, "/app.js", "br;q=0, gzip;q=0.5"), Some("gzip"));
    assert_eq!(coding(&site, "/app.js", "identity"), None);
    assert_eq!(coding(&site, "/other.js", "zstd"), None, "not made here");
    assert_eq!(coding(&site, "/other.js", "br"), Some("br"));
    assert_eq!(coding(&site, "/tiny.js", "br, gzip"), None);
    for path in ["/app.js.br", "/app.js.zst"] {
        assert!(!is_there(&site, path), "{path} is a form of another file");
    }
    assert!(is_there(&site, "/archive.gz"), "a file of its own");
    let mut tags: Vec<String> =
        ["br", "zstd", "gzip", ""].map(|codings| etag(&site, "/app.js", codings)).into();
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 4, "each form has its own tag");
    assert_eq!(etag(&site, "/app.js", ""), etag(&site, "/other.js", ""), "of the content, not of the place");
    let (replica, _) = open(folder.path());
    assert_eq!(etag(&site, "/app.js", "gzip"), etag(&replica, "/app.js", "gzip"));
}

#[test]
fn a_copy_of_something_else_is_left_out_and_told() {
    let script = "console.log('new');\n".repeat(100);
    let folder = build(&[("app.js", &script), ("app.js.zst", "no zstd")]);
    let old = "console.log('old');\n".repeat(100);
    write(folder.path(), "app.js.br", Coding::Brotli.compress(old.as_bytes()).expect("smaller"));
    let (site, loaded) = open(folder.path());
    assert_eq!(loaded.notes.len(), 2, "{:?}", loaded.notes);
    assert_eq!(coding(&site, "/app.js", "br"), Some("br"));
    let body = with(&site, "/app.js", |entry| match &entry.choose(&taking("br")).body {
        Body::Memory(bytes) => bytes.clone(),
        Body::Disk(_) => panic!("it is small"),
    });
    assert!(Coding::Brotli.is_copy(&body[..], script.as_bytes()).expect("Brotli"), "one of the new file");
    assert_eq!(coding(&site, "/app.js", "zstd"), None);
}

#[test]
fn what_does_not_fit_in_memory_stays_on_disk() {
    let noise = |length: usize| (0..length).map(|i| (i * i % 251) as u8).collect::<Vec<_>>();
    let folder = build(&[]);
    write(folder.path(), "film.mp4", noise((1 << 20) + 1));
    (0..4).for_each(|number| write(folder.path(), &format!("{number}.png"), noise(1 << 19)));
    let (_, loaded) = Site::open(settings(folder.path())).expect("a site");
    assert!(loaded.bytes > 4 << 19 && loaded.bytes < (4 << 19) + (1 << 20), "{}", loaded.bytes);
    let tight = SiteSettings { memory: 1 << 20, ..settings(folder.path()) };
    let (site, loaded) = Site::open(tight).expect("a site");
    assert!(loaded.bytes <= 1 << 20, "{}", loaded.bytes);
    assert!(with(&site, "/", |entry| in_memory(&entry.plain)), "the page comes first");
    let kept =
        (0..4).filter(|number| with(&site, &format!("/{number}.png"), |entry| in_memory(&entry.plain)));
    assert_eq!(kept.count(), 1);
    assert!(with(&site, "/film.mp4", |entry| !in_memory(&entry.plain) && entry.plain.length == (1 << 20) + 1));
}

#[test]
fn what_is_named_after_its_content_is_immutable() {
    let folder = build(&[
        ("assets/index-DiwrgTda.js", "1"),
        ("assets/index-B3k_x9aQ.css", "1"),
        ("mixed/index-DiwrgTda.js", "1"),
        ("mixed/logo.svg", "1"),
        ("mixed/a-B3k_x9aQ.js", "1"),
        ("mixed/page-B3k_x9aQ.html", "1"),
        ("words/page-HomePage.js", "1"),
        ("words/page-Section1.js", "1"),
        ("long/a-B3k_x9aQ.js", "1"),
        ("long/b-Ck2Lm8zP.js", "1"),
        ("long/c-lettersx.js", "1"),
        ("few/a-B3k_x9aQ.js", "1"),
        ("few/user-settings.js", "1"),
        ("static/logo.svg", "1"),
        ("static/page.html", "1"),
        ("_next/static/abc/_buildManifest.js", "1"),
    ]);
    let settings = SiteSettings { immutable: vec!["/static/".into()], ..settings(folder.path()) };
    let (site, _) = Site::open(settings).expect("a site");
    for path in [
        "/assets/index-DiwrgTda.js",
        "/assets/index-B3k_x9aQ.css",
        "/mixed/a-B3k_x9aQ.js",
        "/static/logo.svg",
        "/long/c-lettersx.js",
        "/_next/static/abc/_buildManifest.js",
    ] {
        assert!(is_immutable(&site, path), "{path}");
    }
    for path in [
        "/",
        "/mixed/index-DiwrgTda.js",
        "/mixed/logo.svg",
        "/mixed/page-B3k_x9aQ.html",
        "/words/page-HomePage.js",
        "/few/user-settings.js",
        "/words/page-Section1.js",
        "/static/page.html",
    ] {
        assert!(!is_immutable(&site, path), "{path}");
    }
}

#[test]
fn a_folder_that_is_no_build_is_not_read_to_its_end() {
    let folder = build(&[]);
    for part in 0..21 {
        let below = folder.path().join(part.to_string());
        fs::create_dir(&below).expect("a folder");
        (0..1000).for_each(|number| fs::write(below.join(number.to_string()), "").expect("a file"));
    }
    assert!(matches!(Site::open(settings(folder.path())), Err(SiteError::TooMany(_))));
}

#[test]
fn source_maps_are_for_nobody_unless_the_operator_says_so() {
    let map = r#"{"version":3,"sources":["src/app.ts"]}"#;
    let folder = build(&[
        ("app.js", "console.log(1)"),
        ("app.js.map", map),
        ("app.js.MAP", map),
        ("assets/app-B3k_x9aQ.css.map", map),
        ("app.js.map.gz", "packed"),
        ("map.html", "<p>a map of the city</p>"),
    ]);
    let (site, _) = open(folder.path());
    assert!(is_there(&site, "/app.js") && is_there(&site, "/map"));
    let (all, _) = Site::open(SiteSettings { source_maps: true, ..settings(folder.path()) }).expect("a site");
    for path in ["/app.js.map", "/app.js.MAP", "/assets/app-B3k_x9aQ.css.map"] {
        assert!(!is_there(&site, path) && is_there(&all, path), "{path}");
    }
    assert!(!is_there(&site, "/app.js.map.gz"));
}
