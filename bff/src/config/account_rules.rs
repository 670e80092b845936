//! Where users come from: an upstream that keeps accounts, or one OpenID provider alone.

use super::{Config, check::Check};

const PATH: &str = "accounts.upstream";

pub(super) fn check(config: &Config, check: &mut Check<'_>) {
    let name = config.accounts.upstream.as_str();
    let known = config.upstreams.contains_key(name);
    check.refuse(!name.is_empty() && !known, PATH, "must be the name of an upstream, or empty");
    // Who somebody is, only the provider says then, and two may give one name to two people (OpenID Connect Core 1.0
    // section 2, `sub`).
    check.refuse(
        name.is_empty() && config.oidc.len() > 1,
        PATH,
        "is empty: with more than one OpenID provider an upstream must tell people apart",
    );
}

/// A gateway of open screens alone may be meant so.
pub(super) fn warning(config: &Config) -> Option<String> {
    // With no upstream at all nothing is served: the settings are read for the keys, say.
    let nobody =
        config.accounts.upstream.is_empty() && config.oidc.is_empty() && !config.upstreams.is_empty();
    nobody.then(|| format!("{PATH}: is empty, and no OpenID provider is there: nobody can sign in"))
}
