//! What operators say of a screen.

use std::time::Duration;

use crate::cache::Policy;

/// How long one screen's documents live, and how long it may take to make one.
#[derive(Debug, Clone, Copy)]
pub struct ScreenSettings {
    pub policy: Policy,
    pub deadline: Duration,
}
