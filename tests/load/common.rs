//! What all measurements share: a gateway in its production profile with one worker.

use std::{io::Write as _, path::Path};

use tests::{Builder, TestBff};

pub(crate) const FEED: &str = "/bff/home-feed";

/// The gateway to be measured; `folder` is for its keys and its log.
pub(crate) async fn gateway(folder: &Path) -> Builder {
    let keys = folder.join("keys").display().to_string();
    let (code, said) = tests::run_bff(&["keys", "new", "--dir", &keys], &[], folder).await;
    assert_eq!(code, Some(0), "{said}");
    TestBff::builder()
        .set("profile", "production")
        .set("keys.dir", &keys)
        .set("http.workers", 1)
        // One user asks as often as a whole town.
        .set("limits.user.per_second", 1_000_000)
        .set("limits.user.burst", 1_000_000)
        .log_to(&folder.join("access.log"))
        .alone()
}

pub(crate) fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("standard output");
}
