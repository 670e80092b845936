//! What all reads have in common: whose they are, authors beside what they wrote, and validators.

use std::{
    collections::HashMap,
    pin::Pin,
    time::{Duration, Instant},
};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    dev::Payload,
    http::header::{ETAG, EntityTag, Header as _, IfNoneMatch},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clients::{CallContext, Clients};
use schemas::{Id, MemberCard};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Api, calling::call_context};
use crate::edge::{ApiError, MaybeSignedIn, Query, accepts_json, keep};

/// How long a list waits for its authors. It is of use without them.
const AUTHORS: Duration = Duration::from_millis(500);

/// A caller who wants to read, signed in or not. Where that is not open to everybody, the handler asks for
/// [`SignedIn`](crate::edge::SignedIn) as well.
pub struct Reader {
    request: HttpRequest,
    api: Api,
    /// Acts for the caller, or for nobody.
    pub(super) cx: CallContext,
}

impl FromRequest for Reader {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, caller) = (request.clone(), MaybeSignedIn::from_request(request, payload));
        Box::pin(async move {
            accepts_json(&request)?;
            let MaybeSignedIn(caller) = caller.await?;
            let cx = call_context(&request, caller.as_ref().map(|caller| caller.caller()));
            let api = Api::of(&request)?;
            Ok(Self { request, api, cx })
        })
    }
}

/// The authors of what was read.
pub(super) struct Authors {
    cards: HashMap<Id, MemberCard>,
    /// Whether all could be looked up. Who is unknown was.
    complete: bool,
}

impl Authors {
    pub(super) fn of(&self, id: &Id) -> Option<&MemberCard> {
        self.cards.get(id)
    }
}

impl Reader {
    pub(super) fn api(&self) -> &Api {
        &self.api
    }

    pub(super) fn clients(&self) -> &Clients {
        &self.api.typed().clients
    }

    pub(super) fn query(&self) -> Query<'_> {
        Query::of(self.request.query_string())
    }

    /// The cards of these members, as far as they can be had.
    pub(super) async fn authors<'i>(&self, ids: impl Iterator<Item = &'i Id>) -> Authors {
        let mut ids: Vec<Id> = ids.cloned().collect();
        ids.sort_unstable();
        ids.dedup();
        let (members, profile) = (&self.api.typed().members, &self.api.typed().clients.profile);
        let mut known = members.find(&ids);
        ids.retain(|id| !known.contains_key(id));
        let mut complete = true;
        if !ids.is_empty() {
            let deadline = self.cx.deadline.min(Instant::now() + AUTHORS);
            let cx = CallContext { deadline, ..self.cx.clone() };
            let fetched = members.fetch(ids, async |ids| profile.member_cards(&cx, ids).await).await;
            complete = fetched.is_ok();
            known.extend(fetched.unwrap_or_default().into_iter().map(|(id, card)| (id, Some(card))));
        }
        let cards = known.into_iter().filter_map(|(id, card)| Some((id, card?))).collect();
        Authors { cards, complete }
    }

    /// 200 with `document`, or 304 where the caller has it.
    pub(super) fn answer(&self, document: &impl Serialize) -> Result<HttpResponse, ApiError> {
        self.answer_with(document, true)
    }

    /// The same with `authors` in it.
    pub(super) fn answer_by(
        &self,
        authors: &Authors,
        document: &impl Serialize,
    ) -> Result<HttpResponse, ApiError> {
        self.answer_with(document, authors.complete)
    }

    fn answer_with(&self, document: &impl Serialize, complete: bool) -> Result<HttpResponse, ApiError> {
        let body =
            serde_json::to_vec(document).map_err(|_| ApiError::Internal("an answer cannot be written"))?;
        let etag = EntityTag::new_strong(URL_SAFE_NO_PAD.encode(&Sha256::digest(&body)[..16]));
        let known = match IfNoneMatch::parse(&self.request) {
            Ok(IfNoneMatch::Any) => true,
            Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|tag| tag.weak_eq(&etag)),
            Err(_) => false,
        };
        let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response.insert_header((ETAG, etag));
        let mut response =
            if known { response.finish() } else { response.content_type("application/json").body(body) };
        keep(response.headers_mut(), self.cx.acting.is_none(), complete);
        Ok(response)
    }
}
