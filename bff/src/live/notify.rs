//! `GET /bff/notify`: which transport, for whom, from where on.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{
            CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
            SEC_WEBSOCKET_VERSION, UPGRADE,
        },
    },
    web,
};

use super::{
    Hub,
    feed::{Feed, Listener, MAX_TOPICS},
    hub::Refused,
    socket, stream,
};
use crate::edge::{ApiError, Edge, SignedInUntouched, handshake_check, names};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// nginx holds answers back until it has a buffer full of them, unless it is told not to.
const UNBUFFERED: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

pub(super) const UPGRADE_REQUIRED: ApiError = ApiError::Refused {
    status: StatusCode::UPGRADE_REQUIRED,
    code: "upgrade_required",
    detail: "Ask for a WebSocket of version 13, or for `text/event-stream`.",
};
pub(super) const TOO_MANY: ApiError = ApiError::Refused {
    status: StatusCode::TOO_MANY_REQUESTS,
    code: "too_many_connections",
    detail: "This user has as many live connections as one may have. Close one of them first.",
};

/// `GET /bff/notify?topics=&lastEventId=`: a WebSocket, or server-sent events for whoever asks for them.
///
/// # Errors
/// 401, 403 `csrf_failed`, 426 `upgrade_required`, 429 `too_many_connections`, 503.
pub(super) async fn notify(
    request: HttpRequest,
    payload: web::Payload,
    caller: SignedInUntouched,
    edge: web::Data<Edge>,
    hub: web::Data<Hub>,
) -> Result<HttpResponse, ApiError> {
    handshake_check(&request)?;
    let as_events = names(&request, "text/event-stream");
    if !as_events && !wants_websocket(request.headers()) {
        return Ok(upgrade_required());
    }
    let caller = caller.0.caller();
    let Asked { topics, last } = Asked::of(&request);
    let listener = Listener {
        user: &caller.user,
        session: &caller.session,
        sessions: edge.sessions.clone(),
        topics,
        last: last.as_deref(),
    };
    let feed = match Feed::join(&hub, listener).await {
        Ok(feed) => feed,
        Err(Refused::TooMany) => return Ok(too_many()),
        Err(Refused::GoingAway) => return Err(ApiError::Interrupted("stopping")),
    };
    if as_events {
        return Ok(HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "text/event-stream"))
            .insert_header((CACHE_CONTROL, "no-store, no-transform"))
            .insert_header(UNBUFFERED)
            .streaming(stream::body(feed)));
    }
    let (response, out, incoming) = actix_ws::handle(&request, payload).map_err(|_| ApiError::BadRequest)?;
    let incoming = incoming
        .max_frame_size(socket::MAX_MESSAGE)
        .aggregate_continuations()
        .max_continuation_size(socket::MAX_MESSAGE);
    actix_web::rt::spawn(socket::serve(feed, out, incoming));
    Ok(response)
}

/// What the query and the headers ask for. What is wrong with a topic is told on the connection: scripts do not
/// get to see the answer to a handshake.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    topics: Vec<String>,
    last: Option<String>,
}

impl Asked {
    fn of(request: &HttpRequest) -> Self {
        let mut asked = Self::default();
        for (key, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
            match &*key {
                "topics" => {
                    // One more than may be there, so that the rest is told to be too much.
                    let room = MAX_TOPICS + 1 - asked.topics.len();
                    let topics = value.split(',').filter(|topic| !topic.is_empty()).take(room);
                    asked.topics.extend(topics.map(str::to_owned));
                }
                "lastEventId" => asked.last = Some(short(&value)),
                _ => {}
            }
        }
        // A browser that reconnects by itself uses the same URL again: what it saw last is in the header.
        let header = request.headers().get(LAST_EVENT_ID).and_then(|value| value.to_str().ok());
        asked.last = header.map(short).or(asked.last).filter(|last| !last.is_empty());
        asked
    }
}

/// Of a message's id as much as one can have, and a little more: a longer text is none either way.
fn short(id: &str) -> String {
    id.chars().take(64).collect()
}

/// Whether this is a handshake of RFC 6455 section 4.1, as far as its own check does not look.
fn wants_websocket(headers: &HeaderMap) -> bool {
    let lists = |name: HeaderName, token: &str| {
        let lines = headers.get_all(name).filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).any(|member| member.trim().eq_ignore_ascii_case(token))
    };
    lists(UPGRADE, "websocket") && lists(CONNECTION, "upgrade") && lists(SEC_WEBSOCKET_VERSION, "13")
}

/// RFC 9110 section 15.5.22 and RFC 6455 section 4.4: which protocol, in which version.
fn upgrade_required() -> HttpResponse {
    let mut response = HttpResponse::from_error(UPGRADE_REQUIRED);
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    response
}

fn too_many() -> HttpResponse {
    let mut response = HttpResponse::from_error(TOO_MANY);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("30"));
    response
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn asked(query: &str, header: Option<&str>) -> Asked {
        let mut request = TestRequest::with_uri(&format!("/bff/notify{query}"));
        if let Some(header) = header {
            request = request.insert_header((LAST_EVENT_ID, header));
        }
        Asked::of(&request.to_http_request())
    }

    #[test]
    fn topics_and_the_last_id_come_from_the_query_and_the_header_wins() {
        let wanted = |topics: &[&str], last: Option<&str>| Asked {
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            last: last.map(str::to_owned),
        };
        assert_eq!(asked("", None), wanted(&[], None));
        assert_eq!(asked("?lastEventId=", Some("")), wanted(&[], None));
        assert_eq!(
            asked("?topics=order:a,order%3Ab,,&topics=member:c&lastEventId=1-2&x=y", None),
            wanted(&["order:a", "order:b", "member:c"], Some("1-2"))
        );
        assert_eq!(asked("?lastEventId=1-2", Some("1-9")), wanted(&[], Some("1-9")));
    }

    #[test]
    fn a_handshake_names_protocol_and_version() {
        let with = |headers: &[(&str, &str)]| {
            let request = headers.iter().fold(TestRequest::default(), |request, (name, value)| {
                request.insert_header((*name, *value))
            });
            wants_websocket(request.to_http_request().headers())
        };
        let version = ("sec-websocket-version", "13");
        assert!(with(&[("upgrade", "WebSocket"), ("connection", "keep-alive, Upgrade"), version]));
        assert!(!with(&[("upgrade", "websocket"), ("connection", "keep-alive"), version]));
        assert!(!with(&[("upgrade", "h2c"), ("connection", "upgrade"), version]));
        assert!(!with(&[
            ("upgrade", "websocket"),
            ("connection", "upgrade"),
            ("sec-websocket-version", "8")
        ]));
        assert!(!with(&[]));
    }
}
