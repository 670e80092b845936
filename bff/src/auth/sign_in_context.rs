//! Where a sign-in comes from, whatever proved who it is.

use std::sync::Arc;

use actix_web::{
    HttpRequest,
    http::header::{HeaderMap, USER_AGENT},
};
use schemas::Id;
use secrecy::ExposeSecret;

use super::{answer::lasts, cookies::SentCookies, sign_out::end_session_of, state::Api};
use crate::{
    edge::{ApiError, Edge, client_address},
    identity::{IdentityError, NewSession, ProfileDocument, TokenPair, client_label, mask_address},
    telemetry::unix_ms,
};

/// Who arrives: for the list of sessions. What a browser was signed in with before ends with its new sign-in, since
/// others may know of it.
pub(in crate::auth) struct SignInContext {
    api: Api,
    edge: Edge,
    client: String,
    address: String,
    session: SentCookies,
    refresh_token: SentCookies,
}

impl SignInContext {
    /// A browser. The origin of `request` was checked: another site's page must not sign anybody out.
    pub(in crate::auth) fn of_browser(request: &HttpRequest, api: &Api, edge: &Edge) -> Self {
        Self {
            session: SentCookies::session(request, edge),
            refresh_token: SentCookies::refresh(request, edge),
            ..Self::of_app(request, api, edge)
        }
    }

    /// An app that keeps its tokens itself: cookies are not its own.
    pub(in crate::auth) fn of_app(request: &HttpRequest, api: &Api, edge: &Edge) -> Self {
        let client = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
        Self {
            api: api.clone(),
            edge: edge.clone(),
            client: client_label(client.unwrap_or_default()),
            address: mask_address(client_address(request)),
            session: SentCookies::none(&edge.cookie),
            refresh_token: SentCookies::none(&edge.refresh_cookie),
        }
    }

    /// Signs `user` in with a session.
    pub(in crate::auth) async fn open_session(
        &self,
        user: Arc<ProfileDocument>,
    ) -> Result<NewSession, ApiError> {
        let (sessions, client, address) =
            (self.edge.sessions.clone(), self.client.clone(), self.address.clone());
        let member = user.id().clone();
        let new =
            self.replacing(member, async move { sessions.create(&user, &client, &address, unix_ms()).await });
        new.await
    }

    /// Signs `user` in with tokens. `by_cookie`: the refresh token will travel in one.
    pub(in crate::auth) async fn issue_tokens(
        &self,
        user: Arc<ProfileDocument>,
        by_cookie: bool,
    ) -> Result<TokenPair, ApiError> {
        let (tokens, client, address) = (self.edge.tokens.clone(), self.client.clone(), self.address.clone());
        let member = user.id().clone();
        let issuing = async move { tokens.issue(&user, &client, &address, by_cookie, unix_ms()).await };
        self.replacing(member, issuing).await
    }

    /// The `Set-Cookie` lines for `new`, and for what it replaces.
    pub(in crate::auth) fn set_session_cookie(&self, new: &NewSession, headers: &mut HeaderMap) {
        let cookie = &self.edge.cookie;
        let line = cookie.set(new.id.expose_secret(), lasts(new.session.absolute_end_ms));
        self.session.replace(&line, headers);
        if self.refresh_token.present {
            self.refresh_token.clear(headers);
        }
    }

    /// The same for a refresh token that travels in a cookie.
    pub(super) fn set_refresh_cookie(&self, pair: &TokenPair, headers: &mut HeaderMap) {
        let cookie = &self.edge.refresh_cookie;
        let line = cookie.set(pair.refresh_token.expose_secret(), lasts(pair.absolute_end_ms));
        self.refresh_token.replace(&line, headers);
        if self.session.present {
            self.session.clear(headers);
        }
    }

    /// Carries out a sign-in, and then ends what the browser had before. A caller who hangs up half-way must not be
    /// left with the old one beside the new one.
    async fn replacing<T: Send + 'static>(
        &self,
        member: Id,
        sign_in: impl Future<Output = Result<T, IdentityError>> + Send + 'static,
    ) -> Result<T, ApiError> {
        let (edge, departed) = (self.edge.clone(), self.api.departed.clone());
        let (sessions, refresh_tokens) = (self.session.values.clone(), self.refresh_token.values.clone());
        let signing_in = async move {
            let new = sign_in.await?;
            // After the sign-in: a deletion is recorded before it ends what there is, so that one of the two sees the other.
            if departed.has(&member).await? {
                edge.sessions.end_all(&member, None).await?;
                return Err(ApiError::BadCredentials);
            }
            for session in sessions {
                report(end_session_of(&edge, &session, None).await);
            }
            for token in refresh_tokens {
                report(edge.tokens.revoke(&token, unix_ms()).await.map(|_| ()));
            }
            Ok::<_, ApiError>(new)
        };
        let new = self.api.run_detached(signing_in).await??;
        self.edge.metrics.sign_in("ok");
        self.edge.metrics.sessions_created.inc();
        Ok(new)
    }
}

/// That the new sign-in is made counts for more than that the old one is ended.
fn report(ended: Result<(), IdentityError>) {
    if let Err(error) = ended {
        tracing::warn!(error = &error as &dyn std::error::Error, "what a sign-in replaced is not ended");
    }
}
