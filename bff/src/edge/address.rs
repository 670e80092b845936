//! Where a request comes from, when proxies stand between: for throttling, for rate limits, and for the list of
//! sessions.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use actix_web::{
    HttpRequest,
    http::header::{FORWARDED, HeaderMap, HeaderName, X_FORWARDED_FOR},
};
use smallvec::SmallVec;

use super::{Edge, callers::is_service};

/// The address of who asks. What a header says counts only where a trusted proxy or a server-side caller sent it,
/// and is read from the right, which is what they wrote themselves: the first address that is not a trusted
/// proxy's. Where that cannot be read, or `X-Forwarded-For` and `Forwarded` (RFC 7239 section 4) disagree, the
/// request comes from the connection's other end.
#[must_use]
pub fn client_address(request: &HttpRequest) -> IpAddr {
    // A connection over TCP has an address; requests made up by tests need not.
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip().to_canonical());
    let Ok(edge) = Edge::of(request) else { return peer };
    let trusted = |address: IpAddr| edge.trusted_proxies.iter().any(|network| network.contains(&address));
    if !trusted(peer) && !is_service(request) {
        return peer;
    }
    told(request.headers(), trusted).unwrap_or(peer)
}

/// Whether what the headers of a request say of how it came counts: a trusted proxy or a server-side caller sent it.
pub(super) fn forwarded_counts(request: &HttpRequest) -> bool {
    let (Ok(edge), Some(peer)) = (Edge::of(request), request.peer_addr()) else { return false };
    let peer = peer.ip().to_canonical();
    edge.trusted_proxies.iter().any(|network| network.contains(&peer)) || is_service(request)
}

/// What one header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// It is not there, or empty.
    Nothing,
    Unreadable,
    From(IpAddr),
}

/// The address that the headers agree on. A proxy writes one of them and lets the other pass as it came, so that
/// a caller who adds the other one is found out by it.
fn told(headers: &HeaderMap, trusted: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    let listed =
        word(&lines(headers, &X_FORWARDED_FOR), |line| Some(line.split(',').collect()), address, &trusted);
    let forwarded = word(&lines(headers, &FORWARDED), elements, node, &trusted);
    match (listed, forwarded) {
        (Word::From(address), Word::Nothing) | (Word::Nothing, Word::From(address)) => Some(address),
        (Word::From(one), Word::From(other)) if one == other => Some(one),
        _ => None,
    }
}

pub(super) type Parts<'h> = SmallVec<[&'h str; 4]>;

/// The lines of a header in their order: together they are one list (RFC 9110 section 5.3). One that is not text
/// is unreadable as an element as well.
fn lines<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Parts<'h> {
    headers.get_all(name).map(|line| line.to_str().unwrap_or("?")).collect()
}

fn word<'h>(
    lines: &[&'h str],
    split: impl Fn(&'h str) -> Option<Parts<'h>>,
    read: impl Fn(&str) -> Option<IpAddr>,
    trusted: impl Fn(IpAddr) -> bool,
) -> Word {
    let mut nearest = Word::Nothing;
    for line in lines.iter().rev() {
        let Some(parts) = split(line) else { return Word::Unreadable };
        for part in parts.into_iter().rev().map(str::trim).filter(|part| !part.is_empty()) {
            let Some(address) = read(part) else { return Word::Unreadable };
            nearest = Word::From(address);
            if !trusted(address) {
                return nearest;
            }
        }
    }
    // Proxies alone: whoever is behind the last of them is one of them.
    nearest
}

/// An address as proxies write it: bare or with a port, IPv6 with brackets or without.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    Some(address.ok()?.to_canonical())
}

/// The elements of a `Forwarded` line: commas within quotes separate nothing.
pub(super) fn elements(line: &str) -> Option<Parts<'_>> {
    let (mut parts, mut quoted, mut rest) = (Parts::new(), false, line);
    let mut place = 0;
    while let Some(found) = rest[place..].find(['"', ',', '\\']) {
        let at = place + found;
        match rest.as_bytes()[at] {
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                parts.push(&rest[..at]);
                rest = &rest[at + 1..];
                place = 0;
                continue;
            }
            b',' => {}
            // No address has a character that must be escaped.
            _ => return None,
        }
        place = at + 1;
    }
    parts.push(rest);
    (!quoted).then_some(parts)
}

/// The `for` of an element (RFC 7239 section 4). One that names nobody (section 6.2, 6.3) cannot be read.
fn node(element: &str) -> Option<IpAddr> {
    let mut named = element.split(';').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then_some(value.trim())
    });
    let (value, again) = (named.next()?, named.next());
    let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    again.is_none().then(|| address(unquoted)).flatten()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{FORWARDED, HeaderMap, HeaderValue, X_FORWARDED_FOR};
    use ipnet::IpNet;

    use super::{IpAddr, told};

    fn told_by(listed: &[&str], forwarded: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for (name, lines) in [(X_FORWARDED_FOR, listed), (FORWARDED, forwarded)] {
            for line in lines {
                headers.append(name.clone(), HeaderValue::from_bytes(line.as_bytes()).expect("a value"));
            }
        }
        let proxies: [IpNet; 2] =
            ["10.0.0.0/8", "2001:db8:ffff::/48"].map(|network| network.parse().expect("a network"));
        let trusted = |address: IpAddr| proxies.iter().any(|network| network.contains(&address));
        told(&headers, trusted).map(|address| address.to_string())
    }

    #[test]
    fn the_first_from_the_right_that_is_no_proxy_asks() {
        for (listed, address) in [
            (&["192.0.2.1"][..], "192.0.2.1"),
            (&["203.0.113.9, 192.0.2.1"], "192.0.2.1"),
            (&["203.0.113.9, 192.0.2.1, 10.0.0.1,10.9.9.9"], "192.0.2.1"),
            (&["203.0.113.9", "192.0.2.1", "10.0.0.1"], "192.0.2.1"),
            (&["nonsense, 192.0.2.1"], "192.0.2.1"),
            (&["192.0.2.1:55000"], "192.0.2.1"),
            (&["::ffff:192.0.2.1"], "192.0.2.1"),
            (&["2001:db8::1"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["[2001:db8::1]:55000, 2001:db8:ffff::7"], "2001:db8::1"),
            (&["192.0.2.1,, ,"], "192.0.2.1"),
            (&["10.0.0.5, 10.0.0.1"], "10.0.0.5"),
        ] {
            assert_eq!(told_by(listed, &[]).as_deref(), Some(address), "{listed:?}");
        }
    }

    #[test]
    fn forwarded_says_the_same_in_its_own_form() {
        for (forwarded, address) in [
            (&["for=192.0.2.1"][..], "192.0.2.1"),
            (&["For=\"192.0.2.1:4711\";proto=http;by=10.0.0.1"], "192.0.2.1"),
            (&["proto=https; for=\"[2001:db8::1]:4711\""], "2001:db8::1"),
            (&["for=203.0.113.9, for=192.0.2.1;host=\"a,b\", for=10.0.0.1"], "192.0.2.1"),
            (&["for=203.0.113.9", "for=192.0.2.1"], "192.0.2.1"),
            (&["for=_hidden, for=192.0.2.1"], "192.0.2.1"),
        ] {
            assert_eq!(told_by(&[], forwarded).as_deref(), Some(address), "{forwarded:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_guessed() {
        for listed in
            ["", " , ", "unknown", "192.0.2.1, unknown", "192.0.2.256", "192.0.2.1 10.0.0.1", "밥, 10.0.0.1"]
        {
            assert_eq!(told_by(&[listed], &[]), None, "{listed}");
        }
        for forwarded in [
            "for=unknown",
            "for=_hidden",
            "proto=https",
            "for=192.0.2.1;for=192.0.2.2",
            "for=\"192.0.2.1",
            "for=\"192.0.2.\\1\"",
            "for=192.0.2.1, ;",
            "192.0.2.1",
        ] {
            assert_eq!(told_by(&[], &[forwarded]), None, "{forwarded}");
        }
    }

    #[test]
    fn a_header_that_the_proxy_did_not_write_gives_itself_away() {
        assert_eq!(told_by(&["192.0.2.1"], &["for=203.0.113.9"]), None);
        assert_eq!(told_by(&["nonsense"], &["for=192.0.2.1"]), None);
        assert_eq!(told_by(&["192.0.2.1"], &["for=192.0.2.1"]).as_deref(), Some("192.0.2.1"));
    }

    proptest::proptest! {
        #[test]
        fn no_header_makes_it_panic(listed in "[ -~\\t]{0,40}", forwarded in "(for|=|;|,|\"|\\[|\\]|:|1|\\.|\\\\| ){0,20}") {
            let _ = told_by(&[&listed], &[&forwarded]);
        }
    }
}
