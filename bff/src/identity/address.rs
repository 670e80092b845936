//! What a list of sessions shows of where somebody signed in: enough to know oneself by, too little to find others.

use std::net::IpAddr;

/// The network of an address: the first 24 bits of IPv4, the first 48 of IPv6, in CIDR notation (RFC 4632).
#[must_use]
pub fn mask_address(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            format!("{}/48", std::net::Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}

/// Longest label in characters.
const MAX_LABEL: usize = 80;

/// Browsers by what only they say; those that pretend to be others come before the others.
const BROWSERS: [(&str, &str); 11] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// Systems, again the pretenders first: an iPhone says `like Mac OS X`, Android says `Linux`.
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// A name for the program behind a `User-Agent` (RFC 9110 section 10.1.5): `Firefox on Windows` where it is a known
/// browser, else the first product as it calls itself, else `unknown`. At most 80 characters of printable ASCII.
#[must_use]
pub fn client_label(user_agent: &str) -> String {
    let first_of = |names: &[(&str, &'static str)]| {
        names.iter().find(|(sign, _)| user_agent.contains(sign)).map(|(_, name)| *name)
    };
    match (first_of(&BROWSERS), first_of(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, _) => product_of(user_agent),
    }
}

fn product_of(user_agent: &str) -> String {
    let product = user_agent.split_ascii_whitespace().next().unwrap_or_default();
    let label: String = product.chars().filter(char::is_ascii_graphic).take(MAX_LABEL).collect();
    if label.is_empty() { "unknown".to_owned() } else { label }
}

#[cfg(test)]
mod tests {
    use super::{client_label, mask_address};

    #[test]
    fn an_address_is_shown_as_its_network() {
        for (address, shown) in [
            ("203.0.113.77", "203.0.113.0/24"),
            ("127.0.0.1", "127.0.0.0/24"),
            ("::ffff:203.0.113.77", "203.0.113.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
            ("::1", "::/48"),
            ("fe80::1", "fe80::/48"),
        ] {
            assert_eq!(mask_address(address.parse().expect("an address")), shown);
        }
    }

    #[test]
    fn a_browser_is_called_by_its_name_and_system() {
        for (user_agent, label) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:131.0) Gecko/20100101 Firefox/131.0",
                "Firefox on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
                "Chrome on macOS",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Edg/130.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-S901N) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/26.0 Chrome/122.0 Mobile Safari/537.36",
                "Samsung Internet on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0 Mobile/15E148 Safari/604.1",
                "Chrome on iPhone",
            ),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
            ("curl/8.5.0", "curl/8.5.0"),
            ("ShopFloor/3.1 (Android 14)", "ShopFloor/3.1"),
            ("", "unknown"),
            ("  \t ", "unknown"),
        ] {
            assert_eq!(client_label(user_agent), label, "{user_agent}");
        }
    }

    #[test]
    fn a_label_is_short_and_printable_whatever_came() {
        for user_agent in
            ["x".repeat(5000), "\u{202e}evil\u{7}\u{0}/1".to_owned(), "밥".repeat(200), "<b>/1 ".to_owned()]
        {
            let label = client_label(&user_agent);
            assert!(!label.is_empty() && label.len() <= 80, "{label}");
            assert!(label.bytes().all(|b| b.is_ascii_graphic()), "{label}");
        }
    }
}
