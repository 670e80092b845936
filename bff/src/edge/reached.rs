//! Under which name a request reached the gateway: what its page calls its own origin, and of which domains its cookies may
//! be.

use actix_web::{
    HttpRequest,
    http::header::{FORWARDED, HOST, HeaderName},
};
use smallvec::SmallVec;

use super::{
    Edge,
    address::{elements, forwarded_counts},
};

const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// More proxies in a row than anybody has.
const MAX_HOSTS: usize = 8;

/// The hosts (`name` or `name:port`) that the request was sent to: the one in the request itself (RFC 9112 section 3.2), and
/// where a trusted proxy or a server-side caller sent it, those that `X-Forwarded-Host` and `Forwarded` name. At most eight.
///
/// No page can make a browser write any of these headers, so that they are good for telling what a page's own origin is;
/// who is no browser can write what they like, and must gain nothing by it.
#[must_use]
pub fn hosts(request: &HttpRequest) -> SmallVec<[&str; 2]> {
    let mut hosts = SmallVec::new();
    let target = request.uri().authority().map(|authority| authority.as_str());
    let mut lines = request.headers().get_all(HOST);
    let named = lines.next().filter(|_| lines.next().is_none()).and_then(|host| host.to_str().ok());
    hosts.extend(target.or(named));
    if forwarded_counts(request) {
        hosts.extend(told(request, &X_FORWARDED_HOST, "host"));
    }
    hosts.retain(|host: &mut &str| !host.is_empty());
    hosts.truncate(MAX_HOSTS);
    hosts
}

/// Whether `origin` is the request's own: its page came from where it was sent to. Over plain http only where neither
/// `https_only` nor a trusted proxy says that the request came over https: anybody on the way could have written such a
/// page.
pub(super) fn is_own_origin(request: &HttpRequest, edge: &Edge, origin: &str) -> bool {
    let Some((scheme, host)) = origin.split_once("://") else { return false };
    let default_port = match scheme {
        "https" => ":443",
        "http" if !edge.hsts && !came_over_https(request) => ":80",
        _ => return false,
    };
    // Browsers leave the default port out of origins; proxies may write it into hosts.
    let bare = |host: &str| host.strip_suffix(default_port).unwrap_or(host).to_ascii_lowercase();
    hosts(request).iter().any(|own| bare(own) == host)
}

fn came_over_https(request: &HttpRequest) -> bool {
    forwarded_counts(request)
        && told(request, &X_FORWARDED_PROTO, "proto").iter().any(|proto| proto.eq_ignore_ascii_case("https"))
}

/// The elements of the list in the header `name`, and the parameter `parameter` of the elements of `Forwarded`.
fn told<'r>(request: &'r HttpRequest, name: &HeaderName, parameter: &str) -> SmallVec<[&'r str; 2]> {
    let headers = request.headers();
    let listed = headers.get_all(name).filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
    let mut told: SmallVec<[&str; 2]> = listed.map(str::trim).collect();
    for line in headers.get_all(FORWARDED).filter_map(|line| line.to_str().ok()) {
        let pairs = elements(line).into_iter().flatten().flat_map(|element| element.split(';'));
        let pairs = pairs.filter_map(|pair| pair.split_once('='));
        let named = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case(parameter));
        told.extend(named.map(|(_, value)| unquoted(value)));
    }
    told
}

fn unquoted(value: &str) -> &str {
    let value = value.trim();
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}
