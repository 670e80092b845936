//! Sign-in through OpenID providers, out of the settings.

use std::sync::Arc;

use clients::{ClientAuth, OidcProvider, OidcProviderConfig, OidcTimes, TransportError};
use tokio::runtime::Handle;

use crate::{
    auth::{Oidc, OidcParts, Provider},
    config::{Config, OidcConfig, SecondFactor, TokenAuth},
    identity::{
        AllowedOrigins, Secrets,
        oidc::{Attempts, ProviderSessions},
    },
    store::Store,
};

pub(super) fn oidc(
    config: &Config,
    runtime: &Handle,
    secrets: &Arc<Secrets>,
    origins: &Arc<AllowedOrigins>,
    store: &Arc<dyn Store>,
) -> Result<Oidc, TransportError> {
    let providers = config.oidc.iter().map(|(name, provider)| {
        let made = self::provider(name, provider, runtime.clone())?;
        Ok((name.clone(), made))
    });
    let public_url = &config.http.public_url;
    Ok(Oidc::new(OidcParts {
        providers: providers.collect::<Result<_, _>>()?,
        attempts: Attempts::new(Arc::clone(secrets), Arc::clone(origins), config.cookie().secure),
        sessions: ProviderSessions::new(Arc::clone(store)),
        origins: Arc::clone(origins),
        public_url: (!public_url.is_empty()).then(|| public_url.clone()),
    }))
}

fn provider(name: &str, config: &OidcConfig, runtime: Handle) -> Result<Provider, TransportError> {
    let secret = || config.client_secret.clone();
    let client = OidcProvider::new(
        runtime,
        OidcProviderConfig {
            issuer: config.issuer.clone(),
            client_id: config.client_id.clone(),
            auth: match config.token_auth {
                TokenAuth::ClientSecretBasic => ClientAuth::Basic(secret()),
                TokenAuth::ClientSecretPost => ClientAuth::Post(secret()),
                TokenAuth::None => ClientAuth::Public,
            },
            timeout: config.timeout_ms.into(),
            times: OidcTimes::default(),
        },
    )?;
    let shown = if config.display_name.is_empty() { name } else { &config.display_name };
    Ok(Provider {
        name: name.to_owned(),
        display_name: shown.to_owned(),
        scopes: config.scopes.clone(),
        asks_for_second_factor: config.second_factor == SecondFactor::Own,
        second_factor_page: (!config.second_factor_page.is_empty())
            .then(|| config.second_factor_page.clone()),
        client,
    })
}
