//! `GET /api/me/export`: one document, sent as it is gathered. At any time no more than one page of each service is in
//! memory; the next one is asked for when the caller has taken the one before.

use std::{collections::VecDeque, convert::Infallible, fmt::Write as _};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE},
    web,
};
use bytes::Bytes;
use futures_util::{future::try_join_all, stream};
use jiff::Timestamp;
use schemas::{IncompleteExport, Rfc3339};

use super::{
    calls::MemberCallError,
    pages::{Pages, Written, reason},
};
use crate::{
    auth::{Api, call_context::call_context},
    edge::{ApiError, SignedIn, accepts_json},
};

/// `GET /api/me/export`: 200 with the document, as a file.
///
/// # Errors
/// 401, 404 where nothing can be taken along, 406, 429 over the daily limit, 502, 503 or 504 where a service fails before
/// anything is sent.
pub(super) async fn export_me(
    request: HttpRequest,
    caller: SignedIn,
    api: web::Data<Api>,
) -> Result<HttpResponse, ApiError> {
    accepts_json(&request)?;
    let caller = caller.caller();
    let calls = api.member_calls();
    if calls.plan().export.is_empty() {
        return Err(ApiError::NotFound);
    }
    api.exports.take(caller.user.as_str()).await?;
    let cx = call_context(&request, Some(caller));
    let begun = calls.plan().export.iter().map(|(name, call)| {
        let (name, mut pages) = (name.clone(), Pages::new(calls.clone(), call.clone(), cx.clone()));
        async move { pages.next().await.map(|first| Part { name, pages, first: Some(first) }) }
    });
    let parts = match try_join_all(begun).await {
        Ok(parts) => parts,
        Err(error) => {
            api.exports.give_back(caller.user.as_str()).await;
            return Err(refused(error));
        }
    };
    let export = Export::new(caller.user.as_str(), parts);
    let body = stream::unfold(export, |mut export| async {
        let piece = export.next().await?;
        Some((Ok::<_, Infallible>(piece), export))
    });
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, "application/json"));
    response.insert_header((CONTENT_DISPOSITION, "attachment; filename=\"export.json\""));
    response.insert_header((CACHE_CONTROL, "no-store"));
    Ok(response.streaming(Box::pin(body)))
}

/// How a service fails before anything is sent.
fn refused(error: MemberCallError) -> ApiError {
    match error {
        // Its refusals are of the gateway's own call: the caller named nothing.
        MemberCallError::Upstream(error) => ApiError::Misplaced(error),
        MemberCallError::Reserved => ApiError::NotFound,
        MemberCallError::NoUpstream => ApiError::Internal("an upstream is not there"),
    }
}

/// One service's part.
struct Part {
    name: Box<str>,
    pages: Pages,
    /// Asked for before anything was sent.
    first: Option<Written>,
}

/// The document, as far as it has got.
struct Export {
    /// What stands before the next piece.
    head: String,
    parts: VecDeque<Part>,
    /// Whether the first part of `parts` has items already.
    has_items: bool,
    incomplete: Vec<IncompleteExport>,
    is_over: bool,
}

impl Export {
    fn new(member: &str, parts: Vec<Part>) -> Self {
        let at = serde_json::to_string(&Rfc3339::from(Timestamp::now())).unwrap_or_default();
        // An id and a time need no escapes.
        let mut head = format!("{{\"member\":\"{member}\",\"exportedAt\":{at},\"data\":{{");
        let parts: VecDeque<_> = parts.into();
        if let Some(first) = parts.front() {
            open(&mut head, &first.name);
        }
        Self { head, parts, has_items: false, incomplete: Vec::new(), is_over: false }
    }

    /// The next piece; nothing after the end.
    async fn next(&mut self) -> Option<Bytes> {
        if self.is_over {
            return None;
        }
        let mut text = std::mem::take(&mut self.head);
        let Some(part) = self.parts.front_mut() else {
            text.push_str("},\"incomplete\":");
            // Names and words under text keys always serialise.
            text.push_str(&serde_json::to_string(&self.incomplete).unwrap_or_default());
            text.push('}');
            self.is_over = true;
            return Some(text.into());
        };
        let page = match part.first.take() {
            Some(first) => Ok(first),
            None => part.pages.next().await,
        };
        let is_last = match page {
            Ok(page) => {
                if self.has_items && !page.items.is_empty() {
                    text.push(',');
                }
                self.has_items |= !page.items.is_empty();
                text.push_str(&page.items);
                page.is_last
            }
            Err(error) => {
                let reason = reason(&error);
                tracing::warn!(part = &*part.name, ?reason, "an export ends early");
                self.incomplete.push(IncompleteExport { part: part.name.to_string(), reason });
                true
            }
        };
        if is_last {
            text.push(']');
            self.has_items = false;
            self.parts.pop_front();
            if let Some(next) = self.parts.front() {
                text.push(',');
                open(&mut text, &next.name);
            }
        }
        Some(text.into())
    }
}

/// `"NAME":[`
fn open(text: &mut String, name: &str) {
    // A name of declarations: letters, digits and `_`. Writing to a string does not fail.
    let _ = write!(text, "\"{name}\":[");
}
