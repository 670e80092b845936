//! A file as it is served: its bytes or where they are, its type, its entity tags, its compressed copies.

use std::{fs, io::Read as _, path::PathBuf, time::SystemTime};

use actix_web::{
    HttpRequest,
    http::header::{HeaderMap, HeaderValue},
};
use aws_lc_rs::digest::{Context, Digest, SHA256};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;

use super::{
    SiteError,
    encodings::Coding,
    folder::{Found, Notes},
    names,
};
use crate::edge::accepted_coding;

/// Longer files are read from disk for each request.
const KEPT: u64 = 1 << 20;
/// Shorter files gain less than their headers take.
const WORTH_PACKING: u64 = 1024;
/// Longer files are not compressed here: the start would take too long.
const PACKED: u64 = 16 << 20;

/// What is left of the memory that files may take, in bytes.
#[derive(Debug)]
pub(super) struct Room(pub(super) usize);

impl Room {
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        let left = self.0.checked_sub(bytes);
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

#[derive(Debug)]
pub(super) enum Body {
    Memory(Bytes),
    Disk(OnDisk),
}

/// A file that was read once, for its entity tag.
#[derive(Debug, Clone)]
pub(super) struct OnDisk {
    pub(super) file: PathBuf,
    pub(super) modified: Option<SystemTime>,
}

/// One form of a file.
#[derive(Debug)]
pub(super) struct Variant {
    /// Nothing: as it is.
    pub(super) coding: Option<Coding>,
    pub(super) body: Body,
    /// Strong, and made of the bytes alone: equal on all replicas.
    pub(super) etag: HeaderValue,
    pub(super) length: u64,
}

impl Variant {
    fn of_bytes(coding: Option<Coding>, bytes: Bytes) -> Self {
        let mut digest = Context::new(&SHA256);
        digest.update(&bytes);
        let (etag, length) = (etag(digest.finish()), bytes.len() as u64);
        Self { coding, body: Body::Memory(bytes), etag, length }
    }

    fn read(found: &Found, coding: Option<Coding>, room: &mut Room) -> Result<Self, SiteError> {
        let unreadable = |source| SiteError::Read { path: found.file.clone(), source };
        if found.length <= KEPT && usize::try_from(found.length).is_ok_and(|length| room.take(length)) {
            return Ok(Self::of_bytes(coding, fs::read(&found.file).map_err(unreadable)?.into()));
        }
        let mut file = fs::File::open(&found.file).map_err(unreadable)?;
        let (mut digest, mut block, mut length) = (Context::new(&SHA256), vec![0; 64 * 1024], 0);
        loop {
            let read = file.read(&mut block).map_err(unreadable)?;
            if read == 0 {
                break;
            }
            digest.update(&block[..read]);
            length += read as u64;
        }
        let body = Body::Disk(OnDisk { file: found.file.clone(), modified: found.modified });
        Ok(Self { coding, body, etag: etag(digest.finish()), length })
    }

    /// Bytes that it takes in memory.
    pub(super) fn weight(&self) -> usize {
        match &self.body {
            Body::Memory(bytes) => bytes.len(),
            Body::Disk(_) => 0,
        }
    }
}

/// Half of the digest: 128 bits, in 22 characters.
fn etag(digest: Digest) -> HeaderValue {
    let text = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16]));
    // Letters, digits, `-`, `_` and quotes: always a header value.
    HeaderValue::from_maybe_shared(Bytes::from(text)).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) plain: Variant,
    /// Those that are smaller, the one that packs best first.
    packed: Vec<Variant>,
    /// Their codings.
    offered: Vec<&'static str>,
    pub(super) media_type: HeaderValue,
    pub(super) is_page: bool,
    /// Named after its content: what is at this path now will never be other.
    pub(super) immutable: bool,
}

impl Entry {
    /// Reads a file and its `copies`, makes those that are missing, and reuses what was made of the same bytes
    /// `before`.
    pub(super) fn read(
        found: &Found,
        copies: &[(Coding, &Found)],
        immutable: bool,
        before: Option<&Self>,
        room: &mut Room,
        notes: &mut Notes,
    ) -> Result<Self, SiteError> {
        let media_type = names::media_type(&found.path);
        let plain = Variant::read(found, None, room)?;
        let before = before.filter(|before| before.plain.etag == plain.etag);
        let mut packed = Vec::new();
        for coding in Coding::ALL {
            let copy = copies.iter().find(|(of, _)| *of == coding).map(|(_, copy)| *copy);
            if let Some(copy) = copy.filter(|copy| is_copy(coding, copy, found, notes)) {
                packed.push(Variant::read(copy, Some(coding), room)?);
            } else if Coding::MADE.contains(&coding) && names::shrinks(media_type) {
                packed.extend(make(coding, found, &plain, before, room)?);
            }
        }
        packed.retain(|copy| copy.length < plain.length);
        let offered = packed.iter().filter_map(|copy| copy.coding).map(Coding::token).collect();
        let is_page = media_type.starts_with("text/html") || media_type.starts_with("application/xhtml");
        let media_type = HeaderValue::from_static(media_type);
        Ok(Self { plain, packed, offered, media_type, is_page, immutable: immutable && !is_page })
    }

    /// The form that `request` takes: the smallest, or the file itself.
    pub(super) fn choose(&self, request: &HttpRequest) -> &Variant {
        let coding = accepted_coding(request, &self.offered);
        let position = coding.and_then(|coding| self.offered.iter().position(|offered| *offered == coding));
        position.and_then(|position| self.packed.get(position)).unwrap_or(&self.plain)
    }

    /// Bytes that it takes in memory.
    pub(super) fn weight(&self) -> usize {
        self.plain.weight() + self.packed.iter().map(Variant::weight).sum::<usize>()
    }

    /// Whether the same is sent for both.
    pub(super) fn equals(&self, other: &Self) -> bool {
        self.plain.etag == other.plain.etag && self.media_type == other.media_type
    }

    /// Whether the form that is sent depends on what is accepted.
    pub(super) fn is_varied(&self) -> bool {
        !self.offered.is_empty()
    }
}

/// Whether the build's own copy is one: it may be left from the build before.
fn is_copy(coding: Coding, copy: &Found, found: &Found, notes: &mut Notes) -> bool {
    let opened = fs::File::open(&copy.file).and_then(|copy| Ok((copy, fs::File::open(&found.file)?)));
    let same = opened.and_then(|(packed, plain)| coding.is_copy(packed, plain)).unwrap_or(false);
    if !same {
        notes.add(&copy.path, "is not served: it is no compressed copy of the file beside it");
    }
    same
}

fn make(
    coding: Coding,
    found: &Found,
    plain: &Variant,
    before: Option<&Entry>,
    room: &mut Room,
) -> Result<Option<Variant>, SiteError> {
    if !(WORTH_PACKING..=PACKED).contains(&plain.length) {
        return Ok(None);
    }
    let known = before.and_then(|before| before.packed.iter().find(|copy| copy.coding == Some(coding)));
    let packed = match (known.map(|copy| &copy.body), &plain.body) {
        (Some(Body::Memory(packed)), _) => Some(packed.clone()),
        (_, Body::Memory(bytes)) => coding.compress(bytes).map(Bytes::from),
        (_, Body::Disk(_)) => {
            let unreadable = |source| SiteError::Read { path: found.file.clone(), source };
            coding.compress(&fs::read(&found.file).map_err(unreadable)?).map(Bytes::from)
        }
    };
    let packed = packed.filter(|packed| room.take(packed.len()));
    Ok(packed.map(|packed| Variant::of_bytes(Some(coding), packed)))
}

/// What every answer with `entry` in it says, also that nothing has changed: a cache takes over what a 304 says.
pub(super) fn describe(headers: &mut HeaderMap, entry: &Entry, policy: &HeaderValue) {
    use actix_web::http::header;
    const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
    const ASK: HeaderValue = HeaderValue::from_static("no-cache");
    const BY_ORIGIN: HeaderValue = HeaderValue::from_static("Origin");
    const BY_ENCODING: HeaderValue = HeaderValue::from_static("Accept-Encoding, Origin");
    const REFERRER: HeaderValue = HeaderValue::from_static("strict-origin-when-cross-origin");
    const ALONE: HeaderValue = HeaderValue::from_static("same-origin");
    headers.insert(header::CACHE_CONTROL, if entry.immutable { FOREVER } else { ASK });
    headers.insert(header::VARY, if entry.is_varied() { BY_ENCODING } else { BY_ORIGIN });
    // Not for pages alone: a worker runs under the policy that its own script came with.
    headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
    headers.insert(header::REFERRER_POLICY, REFERRER);
    if entry.is_page {
        headers.insert(header::CROSS_ORIGIN_OPENER_POLICY, ALONE);
    }
}
