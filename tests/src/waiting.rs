//! Waiting for what must come, with a bound.

use std::{future::Future, time::Duration};

/// Far more than anything takes; a test that needs it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Awaits `event`.
///
/// # Panics
/// When it does not come.
pub async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, event).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Asks again and again, a few milliseconds apart, until `ask` has something: for what no event tells of.
///
/// # Panics
/// When it never has.
pub async fn eventually<T, F, Fut>(what: &str, mut ask: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    soon(what, async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
}
