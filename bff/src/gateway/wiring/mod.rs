//! What each piece is made of, out of the settings: for the builder, which puts them together.

mod documents;
mod files;
mod identity;
mod jobs;
mod keys;
mod live;
mod store;
mod upstreams;

pub(super) use documents::{backend, documents, screen_settings};
pub(super) use files::files;
pub(super) use identity::{
    callers, clear_site_data, cookie_settings, csrf_guard, refresh_cookie_settings, session_policy,
    throttle_policy, trusted_proxies,
};
pub(super) use jobs::jobs;
pub use keys::key_times;
pub(super) use keys::{app_tokens, signing_keys};
pub(super) use live::{REVALIDATE_TIMEOUT, announcer, close_with_session, event_senders, hub, revalidator};
pub(super) use store::{idempotency_policy, rate_limits, store_settings};
pub(super) use upstreams::upstreams;
