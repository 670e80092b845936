//! Which of several refresh tokens is meant, when a browser sends more than one cookie of the name: presenting a spent one
//! would end the sign-in, so that the store is asked before any is used.

use super::{
    AppTokens,
    record::TokenStatus,
    token::{RefreshToken, TEXT_LEN},
};
use crate::identity::IdentityError;

impl AppTokens {
    /// Whether `text` has the length of a refresh token: anything else is none.
    #[must_use]
    pub fn may_be_refresh_token(text: &str) -> bool {
        text.len() == TEXT_LEN
    }

    /// Of refresh tokens that came in cookies, in their order: the current one of a live sign-in, else the first of a live
    /// sign-in, else the first. Changes nothing. One alone is chosen without a look.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn choose<'t>(
        &self,
        presented: &'t [String],
        now_ms: u64,
    ) -> Result<Option<&'t str>, IdentityError> {
        if let [] | [_] = presented {
            return Ok(presented.first().map(String::as_str));
        }
        let inner = &self.inner;
        let mut live = None;
        for text in presented {
            let Some(token) = RefreshToken::parse(text) else { continue };
            let found = inner.load(&token.family(), now_ms).await?;
            let Some((family, _)) = found.filter(|(family, _)| family.cookie) else { continue };
            if matches!(family.token_status(&token, now_ms, inner.policy.retry), TokenStatus::Current) {
                return Ok(Some(text));
            }
            live = live.or(Some(text));
        }
        Ok(live.or(presented.first()).map(String::as_str))
    }
}
