//! The declared calls about a member's account.

use std::sync::Arc;

use clients::{Authority, CallContext, RawAnswer, RawCall, UpstreamError, Upstreams};
use http::{Method, StatusCode};
use schemas::Id;

use crate::{
    compose::plan::{GatewayPlan, LeavingPlan, MemberCall, MemberPiece},
    invalidation::Tag,
};

/// The calls, and the way to the upstreams that they name. Cheap to clone.
#[derive(Clone)]
pub struct MemberCalls {
    plan: Arc<GatewayPlan>,
    upstreams: Upstreams,
}

/// A call that cannot be made.
#[derive(Debug, thiserror::Error)]
pub(in crate::auth) enum MemberCallError {
    /// The member's id is a word of the contract: another resource would be asked about.
    #[error("a member's id is reserved by the contract")]
    Reserved,
    /// No settings lead to the upstream.
    #[error("an upstream that is declared is not there")]
    NoUpstream,
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
}

impl MemberCalls {
    /// What `plan` says, asked of `upstreams`.
    #[must_use]
    pub fn new(plan: Arc<GatewayPlan>, upstreams: Upstreams) -> Self {
        Self { plan, upstreams }
    }

    pub(super) fn plan(&self) -> &LeavingPlan {
        &self.plan.leaving
    }

    /// The name of the upstream that a call goes to.
    pub(super) fn upstream(&self, call: &MemberCall) -> &'static str {
        self.plan.upstreams.get(usize::from(call.upstream.0)).copied().unwrap_or_default()
    }

    /// The tags whose documents are gone with `member`.
    pub(super) fn drops(&self, member: &Id) -> Vec<Tag> {
        self.plan().drops.iter().map(|kind| Tag::of(kind, member)).collect()
    }

    /// Has an upstream delete what it keeps of the acting member. That it keeps nothing is as good.
    pub(super) async fn delete(&self, cx: &CallContext, call: &MemberCall) -> Result<(), MemberCallError> {
        let mut raw = RawCall::new(call.operation, Method::DELETE, String::new());
        raw.authority = Authority::Deletion;
        raw.wants_body = false;
        match self.ask(cx, call, raw, "").await {
            Ok(_) => Ok(()),
            Err(MemberCallError::Upstream(error)) => match error.status() {
                Some(StatusCode::GONE) => Ok(()),
                Some(StatusCode::NOT_FOUND) if call.may_be_absent => Ok(()),
                _ => Err(error.into()),
            },
            Err(error) => Err(error),
        }
    }

    /// One page of what an upstream keeps of the acting member.
    pub(super) async fn page(
        &self,
        cx: &CallContext,
        call: &MemberCall,
        cursor: &str,
    ) -> Result<RawAnswer, MemberCallError> {
        self.ask(cx, call, RawCall::get(call.operation, String::new()), cursor).await
    }

    async fn ask(
        &self,
        cx: &CallContext,
        call: &MemberCall,
        mut raw: RawCall,
        cursor: &str,
    ) -> Result<RawAnswer, MemberCallError> {
        let member = cx.acting.as_ref().map(Id::as_str).unwrap_or_default();
        if member.is_empty() || call.reserved.iter().any(|word| **word == *member) {
            return Err(MemberCallError::Reserved);
        }
        let upstream = self.upstreams.get(self.upstream(call)).ok_or(MemberCallError::NoUpstream)?;
        raw.path_and_query = target(call, member, cursor);
        Ok(upstream.call(cx, raw).await?)
    }
}

fn target(call: &MemberCall, member: &str, cursor: &str) -> String {
    let mut text = String::with_capacity(128);
    for piece in &call.target {
        match piece {
            MemberPiece::Text(literal) => text.push_str(literal),
            // Nothing in an id has to be encoded.
            MemberPiece::Id => text.push_str(member),
            MemberPiece::Cursor => text.extend(url::form_urlencoded::byte_serialize(cursor.as_bytes())),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::plan::UpstreamId;

    #[test]
    fn a_target_is_put_together_and_nothing_in_a_cursor_breaks_out() {
        let pieces = [
            MemberPiece::Text("/members/".into()),
            MemberPiece::Id,
            MemberPiece::Text("/export?cursor=".into()),
            MemberPiece::Cursor,
        ];
        let call = MemberCall {
            upstream: UpstreamId(0),
            operation: "export_member",
            target: pieces.into(),
            reserved: Box::default(),
            may_be_absent: false,
        };
        assert_eq!(target(&call, "a~1", ""), "/members/a~1/export?cursor=");
        assert_eq!(target(&call, "a", "x&y=/#%"), "/members/a/export?cursor=x%26y%3D%2F%23%25");
    }
}
