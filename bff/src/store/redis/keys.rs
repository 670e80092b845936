//! How the keys are named and how a record lies under its key. Told to operators in
//! `bff/docs/redis-keys.md`: change both together.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;

use super::super::Space;

/// The names of everything that one deployment keeps in Redis.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// What the records of `space` start with.
    pub(super) fn space(&self, space: Space) -> String {
        format!("{}:{}:", self.prefix, space.name())
    }

    /// A record. The key's bytes are base64url, so that no byte of it is a hash tag's brace, and so that an
    /// operator can read and type it.
    pub(super) fn record(&self, space: Space, key: &[u8]) -> String {
        self.space(space) + &URL_SAFE_NO_PAD.encode(key)
    }

    /// What an owner's records are called; by the time at which they end.
    pub(super) fn owned(&self, space: Space, owner: &str) -> String {
        format!("{}:owned:{}:{owner}", self.prefix, space.name())
    }

    /// The name of a record in [`owned`](Self::owned).
    pub(super) fn member(key: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(key)
    }

    /// The key behind a member's name; `None` if this version did not write it.
    pub(super) fn key_of_member(member: &[u8]) -> Option<Bytes> {
        URL_SAFE_NO_PAD.decode(member).ok().map(Bytes::from)
    }

    /// Whose record a changed key is, if it is a record of a tracked space.
    pub(super) fn tracked(&self, redis_key: &[u8]) -> Option<(Space, Bytes)> {
        Space::ALL.into_iter().filter(|space| space.is_tracked()).find_map(|space| {
            let key = redis_key.strip_prefix(self.space(space).as_bytes())?;
            Some((space, Self::key_of_member(key)?))
        })
    }

    /// The channel of [`publish`](super::super::Store::publish).
    pub(super) fn messages(&self) -> String {
        format!("{}:messages", self.prefix)
    }

    /// The stream of live messages.
    pub(super) fn log(&self) -> String {
        format!("{}:live", self.prefix)
    }

    /// The bucket of a rate limit.
    pub(super) fn limit(&self, key: &[u8]) -> String {
        format!("{}:limit:{}", self.prefix, URL_SAFE_NO_PAD.encode(key))
    }
}

/// The hash slot of a key in a cluster: CRC16 of the key, or of what is within its first braces
/// (Redis cluster specification, "Key distribution model").
pub(super) fn slot(key: &[u8]) -> u16 {
    let tag = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let inner = &key[open + 1..];
        inner.iter().position(|byte| *byte == b'}').map(|close| &inner[..close])
    });
    crc16(tag.filter(|tag| !tag.is_empty()).unwrap_or(key)) % SLOTS
}

/// Slots of a cluster.
pub(super) const SLOTS: u16 = 16384;

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc: u16, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_readable_and_read_back() {
        let keys = Keys::new("bff");
        let name = keys.record(Space::Sessions, &[0, 0xff, b'{', b'}', b':']);
        assert_eq!(name, "bff:sessions:AP97fTo");
        assert_eq!(keys.tracked(name.as_bytes()), Some((Space::Sessions, Bytes::from_static(b"\0\xff{}:"))));
        assert_eq!(keys.record(Space::RefreshFamilies, b""), "bff:refresh_families:");
        assert_eq!(keys.tracked(b"bff:refresh_families:"), Some((Space::RefreshFamilies, Bytes::new())));
        for other in
            ["bff:counters:AP97fTo", "bff:sessions:!", "bff:owned:sessions:ada", "x:sessions:AP97fTo"]
        {
            assert_eq!(keys.tracked(other.as_bytes()), None, "{other}");
        }
    }

    /// Values of the specification and of `CLUSTER KEYSLOT`.
    #[test]
    fn slots_are_those_of_redis() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        for (key, expected) in [
            (&b""[..], 0),
            (b"foo", 12182),
            (b"{foo}.bar", 12182),
            (b"a{foo}b{bar}", 12182),
            (b"foo{}{bar}", 8363),
        ] {
            assert_eq!(slot(key), expected, "{}", key.escape_ascii());
        }
    }
}
