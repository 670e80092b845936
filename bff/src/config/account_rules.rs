//! Where users come from: an upstream that keeps accounts, or one OpenID provider alone.

use super::{Config, check::Check};

const PATH: &str = "accounts.upstream";

pub(super) fn check(config: &Config, check: &mut Check<'_>) {
    let name = config.accounts.upstream.as_str();
    let known = config.upstreams.contains_key(name);
    check.refuse(!name.is_empty() && !known, PATH, "must be the name of an upstream, or empty");
    // With no upstream at all nothing is served: the settings are read for the keys, say, and not for what is declared.
    let alone = name.is_empty() && !(config.upstreams.is_empty() && config.oidc.is_empty());
    check.refuse(
        alone && config.oidc.is_empty(),
        PATH,
        "is empty, and no OpenID provider is there to sign in with",
    );
    // Who somebody is, only the provider says then, and two may give one name to two people (OpenID Connect Core 1.0
    // section 2, `sub`).
    check.refuse(
        alone && config.oidc.len() > 1,
        PATH,
        "is empty: with more than one OpenID provider an upstream must tell people apart",
    );
}
