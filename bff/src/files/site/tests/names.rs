//! Types and hashes.

use crate::files::site::names::{
    Hash, has_known_ending, hash_in, is_in_a_hashed_folder, media_type, shrinks,
};

#[test]
fn files_have_the_types_that_browsers_insist_on() {
    for (path, expected) in [
        ("/index.html", "text/html; charset=utf-8"),
        ("/a.js", "text/javascript; charset=utf-8"),
        ("/a.MJS", "text/javascript; charset=utf-8"),
        ("/a.css", "text/css; charset=utf-8"),
        ("/a.wasm", "application/wasm"),
        ("/site.webmanifest", "application/manifest+json"),
        ("/a.js.map", "application/json"),
        ("/a.svg", "image/svg+xml"),
        ("/a.avif", "image/avif"),
        ("/a.woff2", "font/woff2"),
        ("/robots.txt", "text/plain; charset=utf-8"),
        ("/.well-known/apple-app-site-association", "application/json"),
        ("/LICENSE", "application/octet-stream"),
        ("/a.unheard-of", "application/octet-stream"),
    ] {
        assert_eq!(media_type(path), expected, "{path}");
    }
    assert!(shrinks("text/css; charset=utf-8") && shrinks("image/svg+xml") && shrinks("application/wasm"));
    assert!(!shrinks("image/png") && !shrinks("font/woff2") && !shrinks("video/mp4"));
}

#[test]
fn names_of_build_tools_bear_a_hash() {
    for path in [
        "/assets/index-B3k_x9aQ.js",
        "/assets/index-Bf-3x9aQ.css",
        "/assets/vendor-C1r2XyZ9.js.map",
        "/main-5KH3JCQ2.js",
        "/chunk-XK7Q2M4A.js",
        "/static/js/main.3f2a9c1b.js",
        "/static/js/787.c4e7f8f9.chunk.js",
        "/static/js/main.3f2a9c1b.js.LICENSE.txt",
        "/index.3f2a9c1b.css",
        "/3f2a9c1b4d5e6f70.png",
        "/main-app-0f2a3b4c5d6e7f80.js",
        "/bundle.0a1b2c3d4e5f60718293.js",
        "/_app/start.Dq2fV0Kf.js",
        "/logo.8d3b1c9e.svg",
        "/assets/app-abc12345.js",
        "/main.123456ef.css",
    ] {
        assert_eq!(hash_in(path), Hash::Certain, "{path}");
    }
}

#[test]
fn ordinary_names_do_not() {
    for path in [
        "/index.html",
        "/app.js",
        "/jquery-3.7.1.min.js",
        "/bootstrap.bundle.min.js",
        "/icon-512x512.png",
        "/icon-1024x1024.png",
        "/android-chrome-192x192.png",
        "/apple-touch-icon-precomposed.png",
        "/photo-20240115.jpg",
        "/photo-2024-01-15.jpg",
        "/IMG_20240115_123456.jpg",
        "/DSC01234.jpg",
        "/IMG-20240115-WA0001.jpg",
        "/report.20240115.pdf",
        "/2024.01.15/notes.txt",
        "/facade12.js",
        "/deadbeef.js",
        "/cafebabe-feedface.js",
        "/logo-horizontal.svg",
        "/user-settings.js",
        "/page-HomePage.js",
        "/page-Section1.js",
        "/my-component-Button2x.js",
        "/iPhone15.png",
        "/font-awesome-v4compat.css",
        "/inter-latin-400-normal.woff2",
        "/Inter-SemiBold.woff2",
        "/ABeeZee-Regular.ttf",
        "/B612Mono-Regular.ttf",
        "/README.md",
        "/manifest.webmanifest",
        "/sw.js",
        "/service-worker.js",
        "/lang.en-US.json",
        "/openapi-v3.1.0.json",
        "/sitemap-00000001.xml",
        "/invoice-00012345.pdf",
    ] {
        assert_ne!(hash_in(path), Hash::Certain, "{path}");
    }
    assert_eq!(hash_in("/assets/index-DiwrgTda.js"), Hash::Possible, "its folder decides");
}

#[test]
fn some_folders_hold_nothing_else() {
    assert!(is_in_a_hashed_folder("/_next/static/xYz/_buildManifest.js"));
    assert!(!is_in_a_hashed_folder("/assets/logo.svg"));
    assert!(!is_in_a_hashed_folder("/_next/image.png"));
}

#[test]
fn an_ending_is_known_or_part_of_a_name() {
    for path in ["/a.js", "/assets/index-gone.JS", "/x.png", "/x.php", "/.well-known/x.txt", "/a.css/"] {
        assert!(has_known_ending(path), "{path}");
    }
    for path in
        ["/", "/orders/1", "/@jane.doe", "/members/jane@site.org", "/release/v1.2", "/a.js/edit", "/x.y.me"]
    {
        assert!(!has_known_ending(path), "{path}");
    }
}
