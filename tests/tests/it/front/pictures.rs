//! Pictures in real browsers: sent, cut off, gone on with, and seen by others.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
};

use serde_json::{Value, json};
use tests::{TestBff, soon};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    sync::watch,
};

use super::{
    pictures, run_in_turns,
    web::{Web, expect_sound},
};
use crate::{
    files::{picture, upload},
    fixtures::follow,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_is_sent_through_a_cut_and_seen_by_a_follower() {
    let bff = TestBff::builder().set("files.url", "folder:files").spawn().await;
    let web = Web::start(&bff.url()).await;
    let link = Link::before(web.url.trim_start_matches("http://")).await;
    let bora = bff.signed_in("bora").await;
    let folder = tempfile::tempdir().expect("a folder");
    let cook = bff.anonymous();
    let turns = async |turn: &str| match turn {
        "hold" => link.carries(400 << 10),
        "more" => link.carries(2 << 20),
        "free" => link.carries(u64::MAX),
        "cut" => link.cut().await,
        "follow" => {
            let _ = cook.sign_in("cook").await;
            follow(&bora, &cook).await;
            Value::Null
        }
        "private" => {
            let content = picture(5000, 7);
            let size = content.len();
            let input = json!({
                "name": "own.jpg", "contentType": "image/jpeg", "size": size, "visibility": "private",
            });
            upload(&cook, &input, &content).await.into()
        }
        other => panic!("nobody does {other:?}"),
    };
    let told = json!({ "web": link.url(), "pictures": pictures(), "folder": folder.path() });
    let result = run_in_turns("app-pictures.mjs", &told, turns).await;
    let seen = &result["seen"];
    assert!(seen["noPicture"].as_str().is_some_and(|text| text.contains("no picture")), "{seen}");
    assert_eq!(seen["askedForNothing"], 0);
    assert!(seen["mebibytes"].as_f64().is_some_and(|size| (6.0..8.0).contains(&size)), "{seen}");
    expect_progress(&seen["progress"]);
    assert_eq!(seen["begun"], 1, "it was gone on with, not begun anew");
    assert!(seen["sent"].as_u64().is_some_and(|times| times >= 2), "it was cut off: {seen}");
    assert_eq!(seen["typedMeanwhile"], "김치볶음밥");
    for place in ["inTheForm", "onItsPage", "feedAt390", "feedAt1280", "face", "faceElsewhere"] {
        let picture = &seen[place];
        assert_eq!(picture["fits"], true, "{place}: {picture}");
        assert_eq!(picture["from"], "/_next/image", "{place}: {picture}");
    }
    assert_eq!(seen["faceBefore"], 0);
    assert_eq!(seen["stillThere"], 1, "the form shows the photo that the recipe has");
    assert_eq!(seen["afterTheReload"]["begun"], 0, "it was gone on with: {seen}");
    assert_eq!(
        seen["private"],
        json!({ "own": 200, "optimised": [true, true, true, true] }),
        "what is kept for everybody is what everybody may see"
    );
    expect_sound(&result);
}

/// Who has sent more than this is sending a photo.
const MUCH: u64 = 300 << 10;

/// A link between browsers and the app that carries no more bytes of a connection on the way up than it is told, and can be
/// cut.
struct Link {
    address: SocketAddr,
    allowed: watch::Sender<u64>,
    cuts: watch::Sender<()>,
    photos: watch::Sender<Photos>,
}

impl Link {
    async fn before(app: &str) -> Self {
        let app: SocketAddr = app.parse().expect("an address");
        let socket = TcpSocket::new_v4().expect("a socket");
        // What waits on the way is not on its way for the browser.
        socket.set_recv_buffer_size(512 << 10).expect("a small buffer");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
        let listener = socket.listen(128).expect("a listener");
        let address = listener.local_addr().expect("an address");
        let (allowed, cuts) = (watch::Sender::new(u64::MAX), watch::Sender::new(()));
        let (allows, photos) = (allowed.subscribe(), watch::Sender::new(Photos::default()));
        let counted = photos.clone();
        let cut = cuts.subscribe();
        tokio::spawn(async move {
            while let Ok((browser, _)) = listener.accept().await {
                tokio::spawn(carry(browser, app, allows.clone(), cut.clone(), counted.clone()));
            }
        });
        Self { address, allowed, cuts, photos }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn carries(&self, bytes: u64) -> Value {
        self.allowed.send_replace(bytes);
        Value::Null
    }

    /// Waits for a connection that carries a photo, and ends it.
    async fn cut(&self) -> Value {
        let mut photos = self.photos.subscribe();
        let on_its_way = photos.wait_for(|photos| photos.begun > photos.ended);
        let before = soon("a photo on its way", on_its_way).await.expect("the link is there").ended;
        let _ = self.cuts.send(());
        // The browser may have begun anew by the time at which anybody looks.
        soon("the cut", photos.wait_for(|photos| photos.ended > before)).await.expect("the link is there");
        Value::Null
    }
}

/// How many connections carry a photo, and how many did.
#[derive(Debug, Default, Clone, Copy)]
struct Photos {
    begun: usize,
    ended: usize,
}

/// One of them.
struct Photo(watch::Sender<Photos>);

impl Photo {
    fn new(photos: watch::Sender<Photos>) -> Self {
        photos.send_modify(|photos| photos.begun += 1);
        Self(photos)
    }
}

impl Drop for Photo {
    fn drop(&mut self) {
        self.0.send_modify(|photos| photos.ended += 1);
    }
}

async fn carry(
    browser: TcpStream,
    app: SocketAddr,
    mut allows: watch::Receiver<u64>,
    mut cut: watch::Receiver<()>,
    photos: watch::Sender<Photos>,
) {
    cut.mark_unchanged();
    let Ok(app) = TcpStream::connect(app).await else { return };
    let (mut from_browser, mut to_browser) = browser.into_split();
    let (mut from_app, mut to_app) = app.into_split();
    let sent = AtomicU64::new(0);
    let up = async {
        let (mut buffer, mut photo) = (vec![0; 16 << 10], None);
        while allows.wait_for(|allowed| sent.load(Ordering::SeqCst) < *allowed).await.is_ok() {
            let Ok(read @ 1..) = from_browser.read(&mut buffer).await else { break };
            if sent.fetch_add(read as u64, Ordering::SeqCst) > MUCH {
                photo.get_or_insert_with(|| Photo::new(photos.clone()));
            }
            if to_app.write_all(&buffer[..read]).await.is_err() {
                break;
            }
        }
        let _ = to_app.shutdown().await;
    };
    let down = async {
        let _ = tokio::io::copy(&mut from_app, &mut to_browser).await;
        let _ = to_browser.shutdown().await;
    };
    let cut = async {
        while cut.changed().await.is_ok() {
            if sent.load(Ordering::SeqCst) > MUCH {
                return;
            }
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        _ = async { tokio::join!(up, down) } => {}
        () = cut => {}
    }
}

/// It is seen to move, and is at its end at last.
#[track_caller]
fn expect_progress(values: &Value) {
    let values: Vec<u64> = values.as_array().expect("values").iter().filter_map(Value::as_u64).collect();
    assert!(values.len() >= 4, "{values:?}");
    let cut = values.windows(2).position(|pair| pair[1] < pair[0]).expect("the cut");
    assert!(values[..=cut].is_sorted() && values[cut] > values[0], "{values:?}");
    assert_eq!(values.last(), Some(&100), "{values:?}");
}
