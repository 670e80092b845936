//! What all clones of the token families share.

use std::sync::Arc;

use super::{TokenPolicy, access::AccessTokens};
use crate::{
    identity::{Secrets, Sessions},
    telemetry::Metrics,
};

pub(super) struct Inner {
    pub(super) sessions: Sessions,
    pub(super) access: AccessTokens,
    pub(super) secrets: Arc<Secrets>,
    pub(super) policy: TokenPolicy,
    pub(super) metrics: Arc<Metrics>,
}
