//! What all three services promise of an account's end.

use schemas::Page;
use serde_json::json;

use super::{
    Contract,
    call::{Call, For, NO_ACTING_USER, NOT_OWN, number},
};
use crate::wire::ExportItem;

/// Adds the calls by which a member leaves, with everything or with a copy of it. `what` goes with a member.
pub(super) fn describe(contract: &mut Contract, what: &'static str) {
    contract.add(
        Call::delete("/members/{id}", "deleteMember", "Delete all that is kept of the acting user")
            .about(what)
            .made_for(For::Leaving)
            .refuses([NOT_OWN, NO_ACTING_USER]),
    );
    let page = contract.list_of::<Page<ExportItem>, ExportItem>("ExportPage");
    contract.add(
        Call::get(
            "/members/{id}/export",
            "exportMember",
            "All that is kept of the acting user, to take along",
        )
        .query("limit", number(100, 100), "How many.")
        .query(
            "cursor",
            json!({ "type": "string", "maxLength": 512 }),
            "`nextCursor` of the page before: opaque, only ever this service's own.",
        )
        .answers(page, "In an order that stays; none for a member who is not known.")
        .refuses([NOT_OWN]),
    );
}
