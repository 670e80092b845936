//! `Accept-Language` (RFC 9110 section 12.5.4), matched by lookup (RFC 4647 section 3.4).

/// Languages beyond this many are passed over: no browser sends more.
const MAX_RANGES: usize = 32;

/// The language among `known` that the caller wants most: `ko-KR` is served by `ko`. Nothing where none is. With no
/// known ones, the language range itself that is wanted most.
pub(super) fn negotiated<'k>(lines: &[&'k str], known: &'k [Box<str>]) -> Option<&'k str> {
    let ranges = lines.iter().flat_map(|line| line.split(',')).take(MAX_RANGES).filter_map(weighted);
    let mut best: Option<(u16, &str)> = None;
    for (range, weight) in ranges {
        let served = if known.is_empty() { plain(range) } else { look_up(range, known) };
        // The first one wins where weights are the same.
        if let Some(served) = served.filter(|_| weight > best.map_or(0, |(weight, _)| weight)) {
            best = Some((weight, served));
        }
    }
    best.map(|(_, language)| language)
}

/// The known language of a range: with its last subtag taken off until one matches.
fn look_up<'k>(range: &str, known: &'k [Box<str>]) -> Option<&'k str> {
    let mut range = range;
    loop {
        if let Some(found) = known.iter().find(|one| one.eq_ignore_ascii_case(range)) {
            return Some(found);
        }
        let (shorter, _) = range.rsplit_once('-')?;
        range = match shorter.rsplit_once('-') {
            // A single letter introduces what follows it, and goes with it.
            Some((before, last)) if last.len() == 1 => before,
            _ => shorter,
        };
    }
}

/// A range that is a language tag by its form.
fn plain(range: &str) -> Option<&str> {
    let subtag =
        |text: &str| (1..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (range.len() <= 35 && range.split('-').all(subtag)).then_some(range)
}

/// A range and its weight in thousandths.
fn weighted(member: &str) -> Option<(&str, u16)> {
    let mut fields = member.split(';');
    let range = fields.next()?.trim();
    let named = fields.find_map(|field| {
        let (key, weight) = field.split_once('=')?;
        key.trim().eq_ignore_ascii_case("q").then(|| weight.trim())
    });
    let weight = match named {
        None => 1000,
        Some(text) => thousandths(text)?,
    };
    (!range.is_empty()).then_some((range, weight))
}

/// `qvalue` of RFC 9110 section 12.4.2.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(1000),
        _ => None,
    }
}
