//! Names that the service says are a member's.

use super::*;

#[tokio::test]
async fn all_names_of_a_member_have_five_guesses_together_and_codes_count_with_them() {
    let (throttle, ada) = (throttle(), id("1"));
    for name in ["ada", "ada@mail.example", "ADA@mail.example ", "another spelling"] {
        try_as(&throttle, name, Some(&ada)).await.expect("room").failed().await;
    }
    let code = throttle.begin(Subject::Member(&ada), address(HOME)).await.expect("room");
    code.failed().await;
    // A name that was never tried is found out once its password was looked at, others before that.
    too_many(try_as(&throttle, "yet another", Some(&ada)).await);
    for name in ["ada", "ada@mail.example", "yet another"] {
        too_many(begin(&throttle, name, "198.51.100.7").await);
    }
    too_many(throttle.begin(Subject::Member(&ada), address(HOME)).await);
    try_as(&throttle, "bob", Some(&id("2"))).await.expect("others are not concerned").undecided().await;
}

#[tokio::test]
async fn signing_in_by_one_name_forgets_what_failed_by_another() {
    let (throttle, ada) = (throttle(), id("1"));
    for _ in 0..3 {
        for _ in 0..4 {
            try_as(&throttle, "ada@mail.example", Some(&ada)).await.expect("room").failed().await;
        }
        try_as(&throttle, "ada", Some(&ada)).await.expect("room").succeeded().await;
    }
}

#[tokio::test]
async fn a_name_that_somebody_else_has_now_counts_for_them() {
    let (throttle, ada, bob) = (throttle(), id("1"), id("2"));
    for _ in 0..4 {
        try_as(&throttle, "cook", Some(&ada)).await.expect("room").failed().await;
    }
    for _ in 0..5 {
        try_as(&throttle, "cook", Some(&bob)).await.expect("room").failed().await;
    }
    too_many(begin(&throttle, "cook", "198.51.100.7").await);
    try_as(&throttle, "ada", Some(&ada)).await.expect("one is left to her").failed().await;
    too_many(begin(&throttle, "ada", "198.51.100.7").await);
}

#[tokio::test]
async fn a_service_that_names_members_only_when_they_sign_in_is_believed_for_later() {
    let (throttle, ada) = (throttle(), id("1"));
    for name in ["ada", "ada@mail.example"] {
        try_as(&throttle, name, Some(&ada)).await.expect("room").succeeded().await;
    }
    for name in ["ada", "ada", "ada@mail.example", "ada@mail.example", "ada"] {
        try_as(&throttle, name, None).await.expect("room").failed().await;
    }
    too_many(begin(&throttle, "ada@mail.example", HOME).await);
}
