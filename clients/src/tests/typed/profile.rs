//! The profile service: members. Called by `screens` and `auth`. What it does for accounts is the accounts client's.

use std::collections::HashMap;

use http::Method;
use schemas::{Id, Items, Me, Member, MemberCard, MemberPatch};

use super::{ForgetOnDrop, Query, fetch_matching, reject_reserved_id};
use crate::{
    CallContext, UpstreamError,
    batch::Batcher,
    transport::{Authority, Upstream},
};

/// Calls of the profile service. Every method gives up at the context's deadline or the upstream's
/// timeout and answers [`UpstreamError`] when there is no usable answer. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct ProfileClient {
    upstream: Upstream,
    cards: Batcher<(), MemberCard>,
}

/// What stands in the place of an id in the service's own paths: no member can be asked for by these names. `/members/me`
/// would answer with what is private.
const WORDS: [&str; 3] = ["me", "verify", "by-identity"];

impl ProfileClient {
    pub(crate) fn new(upstream: Upstream) -> Self {
        let caller = upstream.clone();
        let cards = Batcher::new(&upstream, MAX_IDS, move |cx, (), ids| {
            let upstream = caller.clone();
            Box::pin(async move {
                let cards = fetch_members(&upstream, &cx, "member_cards", &checked(&ids)).await?;
                Ok(cards.into_iter().map(|card| (card.id.as_str().into(), card)).collect())
            })
        });
        Self { upstream, cards }
    }

    /// A member as everybody sees them; 404 where there is none.
    pub(crate) async fn member(&self, cx: &CallContext, id: &Id) -> Result<Member, UpstreamError> {
        reject_reserved_id(&self.upstream, id, &WORDS)?;
        let call = self.upstream.typed_call("member", Method::GET, &["members", id.as_str()]);
        let id = id.clone();
        fetch_matching(&self.upstream, cx, call, move |member: &Member| member.id == id).await
    }

    /// The cards of `ids` in no particular order, without those that are unknown. Not batched with other
    /// callers: one call for each 100 ids, none for no ids.
    pub(crate) async fn members(
        &self,
        cx: &CallContext,
        ids: &[Id],
    ) -> Result<Vec<MemberCard>, UpstreamError> {
        let mut members = Vec::with_capacity(ids.len());
        for ids in ids.chunks(MAX_IDS) {
            members.append(&mut fetch_members(&self.upstream, cx, "members", ids).await?);
        }
        Ok(members)
    }

    /// The cards of `ids`, without those that are unknown; looked up together with those that other
    /// requests ask for at the same time, for nobody: a card looks the same to everybody.
    pub(crate) async fn member_cards(
        &self,
        cx: &CallContext,
        ids: Vec<Id>,
    ) -> Result<HashMap<Id, MemberCard>, UpstreamError> {
        let mut found = HashMap::with_capacity(ids.len());
        self.cards.load(cx, (), texts(&ids), &mut found).await?;
        Ok(ids.into_iter().filter_map(|id| found.remove(id.as_str()).map(|card| (id, card))).collect())
    }

    /// The acting user as they see themselves.
    pub(crate) async fn me(&self, cx: &CallContext) -> Result<Me, UpstreamError> {
        let call = self.upstream.typed_call("me", Method::GET, &["members", "me"]);
        fetch_matching(&self.upstream, cx, call, is_acting(cx)).await
    }

    /// Changes the acting user; what is absent stays as it is.
    pub(crate) async fn patch_me(&self, cx: &CallContext, patch: &MemberPatch) -> Result<Me, UpstreamError> {
        let call = self.upstream.typed_call("patch_me", Method::PATCH, &["members", "me"]).json(patch)?;
        let _changed = cx.acting.as_ref().map(|id| ForgetOnDrop(&self.cards, id.as_str()));
        fetch_matching(&self.upstream, cx, call, is_acting(cx)).await
    }
}

/// The most that a `?ids=` may hold (the services' contract).
pub(crate) const MAX_IDS: usize = 100;

/// Ids as a batch has them.
pub(crate) fn texts(ids: &[Id]) -> Vec<Box<str>> {
    ids.iter().map(|id| id.as_str().into()).collect()
}

/// The ids of a batch, which were ids when they were asked for.
pub(crate) fn checked(texts: &[Box<str>]) -> Vec<Id> {
    texts.iter().filter_map(|text| Id::new(text).ok()).collect()
}

/// The answer is about the acting user and about nobody else.
fn is_acting(cx: &CallContext) -> impl FnOnce(&Me) -> bool + Send + use<> {
    let acting = cx.acting.clone();
    move |me| acting.is_none_or(|acting| me.id == acting)
}

/// At most [`MAX_IDS`] ids; what was not asked for is left out.
async fn fetch_members(
    upstream: &Upstream,
    cx: &CallContext,
    operation: &'static str,
    ids: &[Id],
) -> Result<Vec<MemberCard>, UpstreamError> {
    let call = Query::default().ids("ids", ids).of(upstream.typed_call(operation, Method::GET, &["members"]));
    let Items { mut items } = upstream.fetch::<Items<MemberCard>>(cx, call.by(Authority::Nobody)).await?;
    items.retain(|card| ids.contains(&card.id));
    Ok(items)
}
