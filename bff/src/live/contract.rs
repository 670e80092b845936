//! What live connections promise their callers.

use schemas::{LiveCommand, LiveMessage};
use utoipa::openapi::{ContentBuilder, ResponseBuilder};

use super::notify::{TOO_MANY, UPGRADE_REQUIRED, notify};
use crate::edge::{Access, ApiError, Contract, Operation, any_text, text};

const ABOUT: &str = "A WebSocket, or server-sent events for callers that send `Accept: text/event-stream`; the same \
messages on both (`LiveMessage`). The caller's own topic is implied; others are subscribed to with `topics` or, on the \
WebSocket, with a `LiveCommand`. A connection that was cut resumes after `Last-Event-ID`; where the gap is too large it \
hears `reset` first. A query and each command may name 100 topics; the rest is left out, which one `error` says \
(`too_many_topics`). A WebSocket may say 60 messages of at most 4 KiB at once and ten more each second; beyond that one \
`error` says so (`too_many_commands`), further messages are ignored, and a caller that goes on is closed with 1008. The \
gateway ends a connection with 1001 or 1013 (come back with the last id: it stops, the caller was too slow, or sessions \
could not be checked for longer than they are believed) or 4401 (not signed in any more); an event stream says the same \
in a last message `end`. The origin is checked as for unsafe methods.";

/// Adds the operation of this module, with its handler.
pub fn serve(contract: &mut Contract) {
    contract.tag("live", "What happens, told at once.");
    let message = contract.shape::<LiveMessage>();
    contract.input::<LiveCommand>();
    let events = ContentBuilder::new().schema(Some(message)).build();
    contract.serve(
        Operation::get("/bff/notify", "notify")
            .is("live", Access::SignedIn, "Be told what happens")
            .without_head()
            .about(ABOUT)
            .query("topics", text(4000), "Topics to subscribe to, `order:ID` and so on, with commas between.")
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
        notify,
    );
}

fn csrf() -> ApiError {
    ApiError::Csrf(crate::identity::CsrfRefusal::Origin)
}
