//! Purges, and definite answers instead of a document.

use super::*;

#[tokio::test]
async fn a_drop_during_a_fill_wins() {
    let mut bench = Bench::new();
    bench.hold();
    let bench = Arc::new(bench);
    let get = || {
        let bench = Arc::clone(&bench);
        tokio::spawn(async move { bench.text(NOW, Answer::Whole).await })
    };
    let before = get();
    bench.begun(1).await;
    bench.invalidations.soft_purge(&[tag()]);
    let after = get();
    bench.let_through(2);
    let (text, outcome) = before.await.expect("served");
    assert_eq!(text, "document 1", "who asked before the event may see what was before it");
    assert_eq!(outcome, Outcome::Composed { forward: Forward::Miss, collapsed: false, stored: false });
    assert_eq!(after.await.expect("served").0, "document 2", "who asked after it may not");
    assert_eq!(bench.text(NOW, Answer::Whole).await, ("document 2".into(), Outcome::Hit));
}

#[tokio::test]
async fn after_their_own_write_a_user_does_not_wait_for_what_began_before_it() {
    let mut bench = Bench::new();
    bench.hold();
    let bench = Arc::new(bench);
    let get = || {
        let bench = Arc::clone(&bench);
        tokio::spawn(async move { bench.text(NOW, Answer::Whole).await.0 })
    };
    let before = get();
    bench.begun(1).await;
    bench.invalidations.hard_purge(&bench.ada, &[tag()]);
    let after = get();
    bench.begun(2).await;
    bench.let_through(2);
    before.await.expect("served");
    assert_eq!(after.await.expect("served"), "document 2");
    assert_eq!(bench.text(NOW, Answer::Whole).await.0, "document 2", "the older fill was not stored over it");
}

#[tokio::test]
async fn an_event_makes_a_document_stale_and_a_write_of_its_user_ends_it() {
    let bench = Bench::new();
    bench.text(NOW, Answer::Whole).await;
    bench.invalidations.soft_purge(&[Tag::of("order", &Id::new("2").expect("an id"))]);
    assert_eq!(bench.text(NOW, Answer::Whole).await, ("document 1".into(), Outcome::Hit));
    bench.invalidations.hard_purge(&Id::new("bora").expect("an id"), &[tag()]);
    assert_eq!(bench.text(NOW, Answer::Whole).await, ("document 1".into(), Outcome::Hit));
    bench.invalidations.hard_purge(&bench.ada, &[tag()]);
    assert_eq!(bench.text(NOW, Answer::Whole).await.0, "document 2");
    bench.invalidations.soft_purge(&[tag()]);
    assert_eq!(bench.text(NOW, Answer::Whole).await, ("document 2".into(), Outcome::Stale));
}

#[tokio::test]
async fn a_definite_answer_is_passed_on_and_takes_with_it_what_was_made_of_the_same_for_the_same_user() {
    let bench = Bench::new();
    let (bora, compact) = (Id::new("bora").expect("an id"), bench.key.clone().with(b"compact"));
    let boras = DocumentKey::new("feed", Some(&bora));
    let others = [
        Wanted { key: &compact, ..bench.wanted() },
        Wanted { key: &boras, user: Some(&bora), ..bench.wanted() },
    ];
    bench.text(NOW, Answer::Whole).await;
    for wanted in &others {
        bench.documents.get(wanted, Instant::now(), bench.compose(Answer::Whole)).await.expect("composed");
    }
    // Behind, and so that nobody waits for it: the next who asks has to know it.
    assert_eq!(bench.text(6 * SECOND, Answer::Refusal).await.1, Outcome::Stale);
    bench.completed().await;
    let refused = bench.get(NOW, Answer::Refusal).await;
    assert!(matches!(refused, Err(FillError::Refused("gone"))), "{refused:?}");
    assert_eq!(bench.documents.settled_size().0, 2, "nothing is kept of it");
    let look_up = |wanted| bench.documents.look_up(wanted, Instant::now(), bench.compose(Answer::Panic));
    assert!(look_up(&others[0]).is_none(), "another view of the same");
    assert_eq!(look_up(&others[1]).expect("somebody else's").outcome, Outcome::Hit);
    // Neither does an outage bring it back.
    let failed = bench.documents.get(&others[0], Instant::now(), bench.compose(Answer::Failure)).await;
    assert!(matches!(failed, Err(FillError::Failed("dead"))), "{failed:?}");
    assert!(matches!(bench.get(NOW, Answer::Failure).await, Err(FillError::Failed("dead"))));
    assert_eq!(bench.text(NOW, Answer::Whole).await.0, "document 8", "it is there again");
}

#[tokio::test]
async fn what_is_purged_for_everybody_is_not_served_again_not_even_when_composing_fails() {
    let bench = Bench::new();
    bench.text(NOW, Answer::Whole).await;
    bench.invalidations.purge_deleted(&[tag()]);
    assert!(matches!(bench.get(NOW, Answer::Failure).await, Err(FillError::Failed("dead"))));
    assert_eq!(bench.text(NOW, Answer::Whole).await.0, "document 3");
}

#[tokio::test]
async fn who_reads_along_after_a_purge_does_not_read_what_was_begun_before_it() {
    let mut bench = Bench::new();
    bench.hold();
    let follow = || {
        let wanted = Wanted { stream: true, ..bench.wanted() };
        let Followed::UnderWay(following) =
            bench.documents.follow(&wanted, Instant::now(), bench.compose(Answer::Whole))
        else {
            panic!("nothing is there")
        };
        following.cause().1
    };
    assert_eq!([follow(), follow()], [false, true], "two read the same");
    bench.invalidations.purge_deleted(&[Tag::of("order", &Id::new("2").expect("an id"))]);
    assert_eq!([follow(), follow()], [false, true]);
    bench.let_through(2);
    bench.completed().await;
    assert_eq!(bench.calls(), 2);
}

#[tokio::test]
async fn a_document_without_what_was_refused_replaces_the_one_that_shows_it() {
    let bench = Bench::new();
    bench.text(NOW, Answer::Whole).await;
    assert_eq!(bench.text(6 * SECOND, Answer::Withheld).await.0, "document 1");
    bench.completed().await;
    assert_eq!(bench.text(NOW, Answer::Whole).await.0, "document 2");
}
