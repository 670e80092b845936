//! What screens and routes have in common in the contract with callers.

use crate::{compose::plan, edge::Access};

/// The group of screens that name none.
pub(super) const SCREENS: &str = "screens";
/// The group of routes that name none.
pub(super) const ROUTES: &str = "api";

/// Who may call.
pub(super) fn access(access: plan::Access) -> Access {
    match access {
        plan::Access::Open => Access::Open,
        plan::Access::SignedIn => Access::SignedIn,
    }
}
