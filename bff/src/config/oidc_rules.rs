//! What `http.public_url` and the providers of `oidc` must hold besides their types.

use secrecy::ExposeSecret;
use url::{Host, Url};

use super::{Config, OidcConfig, TokenAuth, check::Check};

pub(super) fn check(config: &Config, check: &mut Check<'_>) {
    public_url(config, check);
    for (name, provider) in &config.oidc {
        self::provider(config, &format!("oidc.{name}"), provider, check);
    }
}

fn public_url(config: &Config, check: &mut Check<'_>) {
    let (path, text) = ("http.public_url", config.http.public_url.as_str());
    let url = Url::parse(text).ok();
    let origin = url.as_ref().is_some_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text
    });
    check.refuse(
        !text.is_empty() && !origin,
        path,
        "must be an exact origin such as https://app.example.org",
    );
    let wanted = config.is_production() && !config.oidc.is_empty();
    check.refuse(
        wanted && text.is_empty(),
        path,
        "is empty: OpenID providers must know where to send people back",
    );
    let open = config.is_production() && text.starts_with("http:");
    check.refuse(open, path, "must be https in production");
}

fn provider(config: &Config, path: &str, provider: &OidcConfig, check: &mut Check<'_>) {
    let key = |name: &str| format!("{path}.{name}");
    let issuer = Url::parse(&provider.issuer).ok();
    check.refuse(issuer.is_none(), &key("issuer"), "must be an https URL");
    if let Some(issuer) = issuer {
        let open = issuer.scheme() == "http" && !config.is_production() && is_loopback(&issuer);
        let message = "must be an https URL; http is for loopback addresses in development alone";
        check.refuse(issuer.scheme() != "https" && !open, &key("issuer"), message);
        let credentials = !issuer.username().is_empty() || issuer.password().is_some();
        let extra = issuer.query().is_some() || issuer.fragment().is_some();
        check.refuse(credentials || extra, &key("issuer"), "must not have credentials, query or fragment");
    }
    check.refuse(provider.client_id.is_empty(), &key("client_id"), "is empty");
    let (secret, public) = (provider.client_secret.expose_secret(), provider.token_auth == TokenAuth::None);
    check.refuse(
        !public && secret.is_empty(),
        &key("client_secret"),
        "is empty: only public clients have none",
    );
    let message = "is set, but a public client (token_auth = \"none\") has none";
    check.refuse(public && !secret.is_empty(), &key("client_secret"), message);
    // RFC 6749 section 3.3: scope tokens are visible ASCII but `"` and `\`, with single spaces between them.
    let sound = |scope: &str| {
        !scope.is_empty() && scope.bytes().all(|b| b.is_ascii_graphic() && !b"\"\\".contains(&b))
    };
    let scopes = &provider.scopes;
    check.refuse(!scopes.split(' ').all(sound), &key("scopes"), "must be names with one space between them");
    check.refuse(
        !scopes.split(' ').any(|scope| scope == "openid"),
        &key("scopes"),
        "must have \"openid\" among them",
    );
    let page = provider.second_factor_page.as_str();
    let message = "must be a path that begins with one /, or a page of one of cors.allowed_origins";
    check.refuse(!page.is_empty() && !is_own_page(config, page), &key("second_factor_page"), message);
    check.range(&key("timeout_ms"), provider.timeout_ms.get(), 1..=60_000);
}

/// Whether browsers may be sent there: it goes into a `Location` as it is.
fn is_own_page(config: &Config, page: &str) -> bool {
    let plain = page.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let path = page.starts_with('/') && !page.starts_with("//");
    let of_origin = || {
        config.cors.allowed_origins.iter().any(|origin| {
            page.strip_prefix(origin.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    plain && (path || of_origin())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
