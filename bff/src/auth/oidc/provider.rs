//! One provider as the handlers see it.

use std::sync::Arc;

use clients::{OidcError, OidcProvider, ProviderMetadata};
use jsonwebtoken::jwk::Jwk;

use super::refusals::Fault;
use crate::identity::oidc::{Client, TokenFault};

/// A configured provider.
#[derive(Debug)]
pub struct Provider {
    /// Stands in paths.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// Separated by spaces.
    pub scopes: String,
    /// Whether a member's second factor is asked for here.
    pub asks_for_second_factor: bool,
    /// Where; nothing: on the gateway's own page.
    pub second_factor_page: Option<String>,
    pub client: OidcProvider,
}

impl Provider {
    /// What the gateway is there, as far as tokens are concerned.
    pub(super) fn as_client<'a>(&'a self, metadata: &'a ProviderMetadata) -> Client<'a> {
        Client {
            issuer: self.client.issuer(),
            client_id: self.client.client_id(),
            algorithms: &metadata.signing_algorithms,
        }
    }

    /// What `verify` makes of the provider's keys; with newer ones if the token may be signed by none of those that are
    /// held. The client reads them at most once in a while, and once whoever asks: a flood of wrong signatures is no
    /// flood of calls.
    pub(super) async fn verified<T>(
        &self,
        verify: impl Fn(&[Jwk]) -> Result<T, TokenFault>,
    ) -> Result<T, Fault> {
        let keys = self.client.keys().await?;
        match verify(&keys) {
            Err(fault) if fault.may_be_an_old_key() => {
                let newer: Arc<Vec<Jwk>> = self.client.keys_after(keys).await?;
                Ok(verify(&newer)?)
            }
            verified => Ok(verified?),
        }
    }

    pub(super) async fn metadata(&self) -> Result<Arc<ProviderMetadata>, OidcError> {
        self.client.metadata().await
    }
}
