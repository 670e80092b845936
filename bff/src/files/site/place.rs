//! What a path means: a file of the app, one of its pages, or a place of the gateway's own.

use std::borrow::Cow;

use actix_web::{
    HttpRequest,
    http::{
        Method,
        header::{ACCEPT, HeaderName},
    },
};

use super::names;
use crate::edge::names as accept_names;

/// First segments that are the gateway's own: what no route has taken there is not there, and no page stands in.
const OWN: [&str; 9] =
    ["api", "auth", "bff", "files", ".well-known", "problems", "docs", "openapi.json", "config.js"];
/// Of those, where files of the app may be found all the same: `security.txt`, `assetlinks.json` and their like.
const SHARED: &str = ".well-known";
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Whether a request that comes to no endpoint reads the app, where one is served. The rate limits and the identity stage pass
/// it by: it costs less than it takes to count it, and a page with many files must not use up what its reader may ask of the
/// API.
///
/// `path` is as it was sent. Only its first segment decides, whatever follows and however it is written: what may be meant for
/// the gateway itself is charged.
#[must_use]
pub fn reads_app(method: &Method, path: &str) -> bool {
    is_read(method) && !may_be_own(path)
}

fn is_read(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}

/// Whether the first segment of a raw path is the gateway's own, or becomes so when it is decoded. What is behind a slash or
/// backslash within it, encoded or not, does not count.
fn may_be_own(raw: &str) -> bool {
    let Some(path) = raw.strip_prefix('/') else { return true };
    let first = path.split('/').next().unwrap_or_default().as_bytes();
    let mut name = Vec::with_capacity(first.len());
    let mut rest = first;
    while let Some((byte, after)) = rest.split_first() {
        let coded = after.get(..2).filter(|_| *byte == b'%').and_then(|digits| str::from_utf8(digits).ok());
        match coded.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) => {
                name.push(decoded);
                rest = &after[2..];
            }
            // A bad escape stands for itself.
            None => {
                name.push(*byte);
                rest = after;
            }
        }
    }
    let name = name.split(|byte| matches!(byte, b'/' | b'\\')).next().unwrap_or_default();
    OWN.iter().any(|own| name == own.as_bytes())
}

/// Whether `path` is the gateway's own, by its first segment as a whole: `/apiary` is the app's.
pub(super) fn is_own(path: &str) -> bool {
    OWN.contains(&first(path))
}

/// Whether no file of the app is served from `path`.
pub(super) fn is_closed(path: &str) -> bool {
    is_own(path) && first(path) != SHARED
}

fn first(path: &str) -> &str {
    let first = path.strip_prefix('/').and_then(|path| path.split('/').next()).unwrap_or_default();
    first.split(SLASH).next().unwrap_or_default()
}

/// A slash that was percent-encoded stays so: it belongs to a name, which no file has.
const SLASH: &str = "%2F";

/// The path without its percent-encoding; nothing where it is one that no link of an app has: `..` and `.`, hidden
/// files, empty segments, backslashes, control characters, and these behind one more encoding; what is not UTF-8.
pub(super) fn decoded(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.contains('%') {
        return is_sound(raw).then_some(raw.into());
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let byte = u8::from_str_radix(str::from_utf8(rest.get(..2)?).ok()?, 16).ok()?;
        rest = &rest[2..];
        match byte {
            b'/' => bytes.extend_from_slice(SLASH.as_bytes()),
            byte => bytes.push(byte),
        }
    }
    let path = String::from_utf8(bytes).ok()?;
    let again = |path: &str| {
        let pairs = [
            ("%2F", "/"),
            ("%2f", "/"),
            ("%2E", "."),
            ("%2e", "."),
            ("%5C", "\\"),
            ("%5c", "\\"),
            ("%00", "\0"),
        ];
        pairs.into_iter().fold(path.to_owned(), |path, (coded, plain)| path.replace(coded, plain))
    };
    let sound = is_sound(&path) && (!path.contains('%') || is_sound(&again(&path)));
    sound.then(|| path.into())
}

fn is_sound(path: &str) -> bool {
    let Some(segments) = path.strip_prefix('/') else { return false };
    let segments = segments.strip_suffix('/').unwrap_or(segments);
    let plain = |(index, segment): (usize, &str)| {
        let hidden = segment.starts_with('.') && !(index == 0 && segment == SHARED);
        !segment.is_empty() && !hidden && !segment.contains(|c: char| c == '\\' || c.is_control())
    };
    path == "/" || segments.split('/').enumerate().all(plain)
}

/// Whether a request is for a page, so that the app's own stands in where there is none: not where the path names a
/// kind of file. A browser says what it wants in `Sec-Fetch-Dest`; who says nothing is asked whether they take HTML.
///
/// A chunk of an earlier build that is answered with a page is an error nobody understands: "unexpected token `<`".
pub(super) fn is_for_a_page(request: &HttpRequest, path: &str) -> bool {
    if names::has_known_ending(path) {
        return false;
    }
    let headers = request.headers();
    match headers.get(SEC_FETCH_DEST).map(|dest| dest.as_bytes()) {
        Some(b"document" | b"iframe" | b"frame" | b"fencedframe") => true,
        Some(_) => false,
        None => {
            !headers.contains_key(ACCEPT)
                || ["text/html", "application/xhtml+xml", "text/*", "*/*"]
                    .iter()
                    .any(|kind| accept_names(request, kind))
        }
    }
}
