//! What a well-formed configuration must hold besides its types: ranges, keys that must fit together,
//! and what the production profile refuses.

use std::net::SocketAddr;

use super::layers::Merged;
use super::{Config, ConfigErrors, check::Check};
use super::{
    account_rules, caller_rules, files_rules, key_rules, live_rules, oidc_rules, site_rules, store_rules,
    upstream_rules,
};

pub(super) fn check(config: &Config, mistakes: &mut ConfigErrors) {
    let mut check = Check { mistakes };
    check.numbers(config);
    check.listeners(config);
    check.origins(config);
    check.tokens(config);
    check.cookie(config);
    check.clear_site_data(config);
    check.rest(config);
    upstream_rules::check(config, &mut check);
    key_rules::check(config, &mut check);
    live_rules::check(config, &mut check);
    oidc_rules::check(config, &mut check);
    account_rules::check(config, &mut check);
    caller_rules::check(config, &mut check);
    store_rules::check(config, &mut check);
    site_rules::check(config, &mut check);
    files_rules::check(config, &mut check);
    if config.is_production() {
        check.production(config);
    }
}

/// What most orchestrators give a process between SIGTERM and SIGKILL, less what the last steps of a stop take.
const USUAL_GRACE_MS: u64 = 28_000;

/// What is allowed but probably not meant, and set keys that have no effect yet.
pub(super) fn warnings(config: &Config, merged: &Merged) -> Vec<String> {
    let mut found = Vec::new();
    if is_wildcard(config.internal.listen) {
        found.push(format!(
            "internal.listen: {} is every network; keep metrics and events from the public one",
            config.internal.listen
        ));
    }
    for name in config.session.clear_site_data.iter().filter(|name| ["cookies", "*"].contains(&name.as_str()))
    {
        let reach = "takes the cookies of all hosts of the registrable domain at sign-out";
        found.push(format!("session.clear_site_data: {name} {reach}"));
    }
    let stop_ms = config.http.drain_delay_ms.get() + config.http.shutdown_timeout_ms.get();
    if stop_ms > USUAL_GRACE_MS {
        found.push(format!(
            "http.drain_delay_ms and http.shutdown_timeout_ms: a stop may take {stop_ms} ms; an orchestrator that kills after 30 s cuts requests off"
        ));
    }
    found.extend(account_rules::warning(config));
    found.extend(caller_rules::warnings(config));
    found.extend(site_rules::warnings(config));
    found.extend(files_rules::warnings(config));
    if config.is_production() {
        if config.store.url.scheme() == "memory" {
            found.push("store.url: memory: forgets every session at a restart".to_owned());
        }
        let open = config.cors.allowed_origins.iter().filter(|origin| origin.starts_with("http://"));
        found.extend(open.map(|origin| format!("cors.allowed_origins: {origin} is not encrypted")));
    }
    for path in merged.set_below("telemetry.otlp_endpoint") {
        found.push(format!("{path}: takes effect with a later version"));
    }
    found
}

fn is_wildcard(address: SocketAddr) -> bool {
    address.ip().is_unspecified()
}
