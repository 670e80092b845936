//! What live connections promise their callers.

use schemas::{LiveCommand, LiveMessage};
use utoipa::openapi::{ContentBuilder, ResponseBuilder};

use super::notify::{TOO_MANY, UPGRADE_REQUIRED};
use crate::edge::{Access, ApiError, Contract, Operation, any_text, text};

const ABOUT: &str = "A WebSocket, or server-sent events for callers that send `Accept: text/event-stream`; the same \
messages on both (`LiveMessage`). The caller's own topic is implied; others are subscribed to with `topics` or, on the \
WebSocket, with a `LiveCommand`. A connection that was cut resumes after `Last-Event-ID`; where the gap is too large it \
hears `reset` first. The origin is checked as for unsafe methods.";

/// Adds the operation of this module.
pub fn describe(contract: &mut Contract) {
    contract.tag("live", "What happens, told at once.");
    let message = contract.shape::<LiveMessage>();
    contract.input::<LiveCommand>();
    let events = ContentBuilder::new().schema(Some(message)).build();
    contract.add(
        Operation::get("/bff/notify", "notify")
            .is("live", Access::SignedIn, "Be told what happens")
            .about(ABOUT)
            .query(
                "topics",
                text(4000),
                "Topics to subscribe to, `recipe:ID` and so on, with commas between.",
            )
            .query("lastEventId", any_text(), "As `Last-Event-ID`, for callers that cannot set it.")
            .header("Last-Event-ID", any_text(), "The `id` of the last message that was seen.")
            .answers_with(101, ResponseBuilder::new().description("The WebSocket is open."))
            .answers_with(
                200,
                ResponseBuilder::new()
                    .description("Messages, one in each event.")
                    .content("text/event-stream", events),
            )
            .fails_with([csrf(), UPGRADE_REQUIRED, TOO_MANY]),
    );
}

fn csrf() -> ApiError {
    ApiError::Csrf(crate::identity::CsrfRefusal::Origin)
}
