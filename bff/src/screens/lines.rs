//! A document field by field, as lines of JSON: `{"part": …, "data": …}` for each field, as it is finished, and
//! `{"part":"end","degraded":[…]}` at last. A server that renders pages can send the top of one before the
//! slowest upstream has answered.

use std::{collections::HashSet, convert::Infallible, time::Instant};

use actix_web::{
    HttpRequest, HttpResponse,
    body::BoxBody,
    http::{
        StatusCode,
        header::{AGE, CONTENT_TYPE, ETAG, HeaderName, HeaderValue},
    },
};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    documents::ScreenDocuments,
    failure::fill_error,
    response::{CACHE_STATUS, NDJSON, describe, header_of, outcome_word, status_under_way},
};
use crate::{
    cache::{DocumentKey, Encoding, Following, Next, Served},
    compose::ComposeError,
    edge::{ApiError, RequestContext, not_modified, set_cache_control},
};

const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const LINES: HeaderValue = HeaderValue::from_static(NDJSON);

/// A document that is there, as lines.
pub(super) fn lines_response(
    request: &HttpRequest,
    served: &Served,
    shared: bool,
    now: Instant,
) -> HttpResponse {
    RequestContext::note_cache(request, outcome_word(served));
    let (whole, _) = served.document.representation(Encoding::Identity);
    let etag: Bytes = format!("{}-lines\"", whole.etag.as_str().trim_end_matches('"')).into();
    let mut response = if not_modified(request, &etag) {
        HttpResponse::with_body(StatusCode::NOT_MODIFIED, BoxBody::new(()))
    } else {
        HttpResponse::with_body(StatusCode::OK, BoxBody::new(rest(served, &HashSet::new())))
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, LINES);
    headers.insert(ETAG, header_of(&etag));
    describe(headers, served, shared, now);
    response
}

/// Where a stream has got to.
struct Reader {
    following: Following<ComposeError>,
    /// What came while it was not yet certain that there would be a document.
    first: Option<Next<ComposeError>>,
    sent: HashSet<&'static str>,
    key: DocumentKey,
    screen: &'static str,
    screens: ScreenDocuments,
}

/// A document that is being composed, as lines. The status is decided when the first field is there: before that
/// a failure is answered as such, after it the last line says so.
pub(super) async fn stream_response(
    screen: &'static str,
    mut following: Following<ComposeError>,
    key: DocumentKey,
    screens: ScreenDocuments,
    shared: bool,
) -> Result<HttpResponse, ApiError> {
    let under_way = status_under_way(following.cause());
    let first = following.next().await;
    if let Some(Next::End(Err(error))) = &first
        && let Err(error) = screens.documents.older(&key, Instant::now(), error.clone())
    {
        screens.metrics.cache_outcome(screen, "failed");
        return Err(fill_error(error));
    }
    let reader = Reader { following, first, sent: HashSet::new(), key, screen, screens };
    let lines = stream::unfold(reader, |mut reader| async {
        let line = reader.next_lines().await?;
        Some((Ok::<_, Infallible>(line), reader))
    });
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, LINES));
    response.insert_header((AGE, 0));
    response.insert_header((CACHE_STATUS, under_way));
    // A proxy that gathers the lines would undo what they are for.
    response.insert_header((X_ACCEL_BUFFERING, "no"));
    let mut response = response.streaming(Box::pin(lines));
    // Whether it will be whole is not known yet.
    set_cache_control(response.headers_mut(), shared, false);
    Ok(response)
}

impl Reader {
    async fn next_lines(&mut self) -> Option<Bytes> {
        let next = match self.first.take() {
            Some(first) => first,
            None => self.following.next().await?,
        };
        let end = match next {
            Next::Field((part, json)) => {
                self.sent.insert(part);
                let mut line = BytesMut::new();
                put_line(&mut line, part, &json);
                return Some(line.freeze());
            }
            Next::End(end) => end,
        };
        let older = |error| self.screens.documents.older(&self.key, Instant::now(), error);
        // An older document's fields would not fit those that were sent.
        let end = if self.sent.is_empty() { end.or_else(older) } else { end };
        let outcome = end.as_ref().map_or("failed", outcome_word);
        self.screens.metrics.cache_outcome(self.screen, outcome);
        Some(match end {
            Ok(served) => rest(&served, &self.sent),
            Err(error) => {
                let problem = fill_error(error).code();
                tracing::warn!(screen = self.screen, code = problem, "a stream ended early");
                Bytes::from(format!("{{\"part\":\"end\",\"error\":\"{problem}\"}}\n"))
            }
        })
    }
}

/// The lines of a document's fields but for those that were `sent`, and the last line.
fn rest(served: &Served, sent: &HashSet<&'static str>) -> Bytes {
    let (whole, _) = served.document.representation(Encoding::Identity);
    // The document is an object that we wrote ourselves.
    let whole = whole.body.in_a_row();
    let fields = serde_json::from_slice::<Fields<'_>>(&whole).map(|fields| fields.0).unwrap_or_default();
    let mut lines = BytesMut::with_capacity(whole.len() + 32 * fields.len());
    let mut degraded = "[]";
    for (part, data) in fields {
        if part == "degraded" {
            degraded = data.get();
        } else if !sent.contains(part) {
            put_line(&mut lines, part, data.get().as_bytes());
        }
    }
    lines.put_slice(b"{\"part\":\"end\",\"degraded\":");
    lines.put_slice(degraded.as_bytes());
    lines.put_slice(b"}\n");
    lines.freeze()
}

/// Names of fields are our own and need no escape.
fn put_line(lines: &mut BytesMut, part: &str, data: &[u8]) {
    lines.put_slice(b"{\"part\":\"");
    lines.put_slice(part.as_bytes());
    lines.put_slice(b"\",\"data\":");
    lines.put_slice(data);
    lines.put_slice(b"}\n");
}

/// The fields of an object in their order, their values as they are.
struct Fields<'d>(Vec<(&'d str, &'d RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Object)
    }
}
