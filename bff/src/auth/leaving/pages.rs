//! The pages of one part of an export, one after the other.

use std::time::{Duration, Instant};

use clients::{BodyFault, CallContext, UpstreamError};
use schemas::Reason;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::sleep;

use super::calls::{MemberCallError, MemberCalls};
use crate::compose::plan::MemberCall;

/// What one page may take, where the upstream's own timeout is longer.
const PAGE: Duration = Duration::from_secs(30);
/// Tries of a page, and how long to wait between them at first.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// A page as an upstream answers it. Items stay as they were written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
    #[serde(default)]
    next_cursor: Option<String>,
}

/// Why a part ends early, as the document says it.
pub(super) fn reason(error: &MemberCallError) -> Reason {
    match error {
        MemberCallError::Upstream(error) => error.reason(),
        MemberCallError::Reserved | MemberCallError::NoUpstream => Reason::Unavailable,
    }
}

/// Where a part of an export has got to.
pub(super) struct Pages {
    calls: MemberCalls,
    call: MemberCall,
    cx: CallContext,
    cursor: String,
}

/// A page, ready to be written.
pub(super) struct Written {
    /// The items with commas between; empty where there are none.
    pub(super) items: String,
    pub(super) is_last: bool,
}

impl Pages {
    /// From the first page on.
    pub(super) fn new(calls: MemberCalls, call: MemberCall, cx: CallContext) -> Self {
        Self { calls, call, cx, cursor: String::new() }
    }

    /// The next page. A page that fails is asked for again a little later, unless it was refused.
    pub(super) async fn next(&mut self) -> Result<Written, MemberCallError> {
        let mut tries = 1;
        loop {
            match self.ask().await {
                Err(MemberCallError::Upstream(error)) if tries < TRIES && passes(&error) => {
                    sleep(PAUSE * tries).await;
                    tries += 1;
                }
                asked => return asked,
            }
        }
    }

    async fn ask(&mut self) -> Result<Written, MemberCallError> {
        let cx = CallContext { deadline: Instant::now() + PAGE, ..self.cx.clone() };
        let answer = self.calls.page(&cx, &self.call, &self.cursor).await?;
        let page: Page<'_> =
            serde_json::from_slice(&answer.body).map_err(|error| self.no_page(error.into()))?;
        let mut items = String::with_capacity(answer.body.len());
        for item in &page.items {
            if !items.is_empty() {
                items.push(',');
            }
            items.push_str(item.get());
        }
        let next = page.next_cursor.unwrap_or_default();
        if !next.is_empty() && next == self.cursor {
            // It leads back to itself.
            return Err(self.no_page(BodyFault::Mismatch));
        }
        let is_last = next.is_empty();
        self.cursor = next;
        Ok(Written { items, is_last })
    }

    fn no_page(&self, source: BodyFault) -> MemberCallError {
        UpstreamError::Body { upstream: self.calls.upstream(&self.call), source }.into()
    }
}

/// Whether it may be otherwise in a moment.
fn passes(error: &UpstreamError) -> bool {
    error.status().is_none_or(|status| !status.is_client_error())
}
