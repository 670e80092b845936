//! The timeline service: posts and who follows whom. Called by `screens` and `auth`.

use http::Method;
use schemas::{Counts, Following, Id, Page, Post, PostInput};

use super::{Query, fetch_matching};
use crate::{CallContext, UpstreamError, transport::Upstream};

/// Calls of the timeline service. Every method gives up at the context's deadline or the upstream's
/// timeout and answers [`UpstreamError`] when there is no usable answer. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct TimelineClient {
    upstream: Upstream,
}

impl TimelineClient {
    pub(crate) fn new(upstream: Upstream) -> Self {
        Self { upstream }
    }

    /// Posts of the acting user and of those whom they follow, newest first. `cursor` is a page's
    /// `nextCursor`.
    pub(crate) async fn timeline(
        &self,
        cx: &CallContext,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<Post>, UpstreamError> {
        let call = self.upstream.typed_call("timeline", Method::GET, &["timeline"]);
        self.upstream.fetch(cx, (Query::page(limit, cursor)).of(call)).await
    }

    /// Posts of one member, newest first.
    pub(crate) async fn member_posts(
        &self,
        cx: &CallContext,
        member: &Id,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<Post>, UpstreamError> {
        let call =
            self.upstream.typed_call("member_posts", Method::GET, &["members", member.as_str(), "posts"]);
        let call = (Query::page(limit, cursor)).of(call);
        let member = member.clone();
        let theirs = move |page: &Page<Post>| page.items.iter().all(|post| post.author_id == member);
        fetch_matching(&self.upstream, cx, call, theirs).await
    }

    /// Writes a post as the acting user.
    pub(crate) async fn create_post(
        &self,
        cx: &CallContext,
        input: &PostInput,
    ) -> Result<Post, UpstreamError> {
        let call = self.upstream.typed_call("create_post", Method::POST, &["posts"]).json(input)?;
        let acting = cx.acting.clone();
        let mine = move |post: &Post| acting.is_none_or(|acting| post.author_id == acting);
        fetch_matching(&self.upstream, cx, call, mine).await
    }

    /// 403 where the acting user did not write it, 404 where there is none.
    pub(crate) async fn delete_post(&self, cx: &CallContext, id: &Id) -> Result<(), UpstreamError> {
        self.perform(cx, "delete_post", Method::DELETE, &["posts", id.as_str()]).await
    }

    /// Likes a post; again changes nothing.
    pub(crate) async fn like_post(&self, cx: &CallContext, id: &Id) -> Result<(), UpstreamError> {
        self.perform(cx, "like_post", Method::PUT, &["posts", id.as_str(), "like"]).await
    }

    /// Takes a like back; again changes nothing.
    pub(crate) async fn unlike_post(&self, cx: &CallContext, id: &Id) -> Result<(), UpstreamError> {
        self.perform(cx, "unlike_post", Method::DELETE, &["posts", id.as_str(), "like"]).await
    }

    /// Follows a member; again changes nothing.
    pub(crate) async fn follow(&self, cx: &CallContext, member: &Id) -> Result<(), UpstreamError> {
        self.perform(cx, "follow", Method::PUT, &["follows", member.as_str()]).await
    }

    /// Follows a member no more; again changes nothing.
    pub(crate) async fn unfollow(&self, cx: &CallContext, member: &Id) -> Result<(), UpstreamError> {
        self.perform(cx, "unfollow", Method::DELETE, &["follows", member.as_str()]).await
    }

    /// Whether the acting user follows a member.
    pub(crate) async fn following(&self, cx: &CallContext, member: &Id) -> Result<Following, UpstreamError> {
        let call = self.upstream.typed_call("following", Method::GET, &["follows", member.as_str()]);
        self.upstream.fetch(cx, call).await
    }

    /// How much a member has written and how they are connected.
    pub(crate) async fn counts(&self, cx: &CallContext, member: &Id) -> Result<Counts, UpstreamError> {
        let call = self.upstream.typed_call("counts", Method::GET, &["members", member.as_str(), "counts"]);
        self.upstream.fetch(cx, call).await
    }

    async fn perform(
        &self,
        cx: &CallContext,
        operation: &'static str,
        method: Method,
        path: &[&str],
    ) -> Result<(), UpstreamError> {
        self.upstream.perform(cx, self.upstream.typed_call(operation, method, path)).await
    }
}
