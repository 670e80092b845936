//! One build after the other, while requests come.

use std::{collections::BTreeSet, fs};

use futures_util::future::join_all;
use tests::eventually;

use super::{IMMUTABLE, build, expect_page, page, script, serving, write};

#[tokio::test(flavor = "multi_thread")]
async fn a_new_build_is_served_after_sighup_and_open_tabs_find_their_chunks() {
    let folder = build();
    let bff = serving(folder.path()).spawn().await;
    let nobody = bff.anonymous();
    let old = nobody.get("/").await.expect(200);
    // Half of a new build is there: nothing of it is served.
    write(folder.path(), "assets/index-C4m_y0bR.js", script("two"));
    fs::remove_file(folder.path().join("index.html")).expect("removed");
    bff.signal("HUP").await;
    eventually("the fault to be told", || async { bff.output().contains("site.dir: ").then_some(()) }).await;
    assert_eq!(nobody.get("/").await.expect(200).etag(), old.etag());

    write(folder.path(), "index.html", page("two"));
    fs::remove_file(folder.path().join("assets/index-B3k_x9aQ.js")).expect("removed");
    bff.signal("HUP").await;
    let new = eventually("the new page", || async {
        let answer = nobody.get("/").await.expect(200);
        (answer.etag() != old.etag()).then_some(answer)
    });
    expect_page(&new.await, "two");
    let _ = nobody.get("/assets/index-C4m_y0bR.js").await.expect(200);
    let chunk = nobody.get("/assets/index-B3k_x9aQ.js").await.expect(200);
    assert_eq!(chunk.header("cache-control"), Some(IMMUTABLE), "of the build before, for tabs that are open");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_under_load_fails_no_request_and_mixes_no_builds() {
    let folder = build();
    write(folder.path(), "version.txt", "one");
    let bff = serving(folder.path()).spawn().await;
    let nobody = bff.anonymous();
    let asking = async {
        let mut seen = BTreeSet::new();
        for _ in 0..60 {
            let answers = join_all((0..8).map(|_| nobody.get("/version.txt"))).await;
            for answer in answers {
                assert_eq!(answer.status, 200);
                seen.insert(answer.text());
            }
            if seen.contains("two") {
                break;
            }
        }
        seen
    };
    let deploying = async {
        write(folder.path(), "version.txt", "two");
        bff.signal("HUP").await;
    };
    let (seen, ()) = tokio::join!(asking, deploying);
    assert!(seen.iter().all(|text| text == "one" || text == "two"), "{seen:?}");
    eventually("the new build", || async {
        (nobody.get("/version.txt").await.text() == "two").then_some(())
    })
    .await;
}
