//! `traceparent` for upstreams (W3C Trace Context, section 3.2).

use std::cell::Cell;

use uuid::Uuid;

/// The header for a child span of `parent`. Where there is no usable parent, a new trace that is not
/// sampled: an upstream can then still join its own log lines, and nobody records what the gateway
/// does not.
pub(super) fn child_of(parent: Option<&str>) -> String {
    let mut header = String::with_capacity(LENGTH);
    header.push_str("00-");
    let parent = parent.and_then(trace_and_flags);
    match parent {
        Some((trace, _)) => header.push_str(trace),
        None => trace_id().map(|half| push_hex(half, &mut header)).into_iter().collect(),
    }
    header.push('-');
    push_hex(span_id(), &mut header);
    header.push('-');
    header.push_str(parent.map_or("00", |(_, flags)| flags));
    header
}

/// Of a header of version 00.
const LENGTH: usize = 55;

/// Sixteen digits. Every call writes some, and formatting takes many times as long.
fn push_hex(number: u64, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in number.to_be_bytes() {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

thread_local! {
    static SEEDS: (Cell<u64>, Cell<u64>) = {
        let (one, other) = Uuid::new_v4().as_u64_pair();
        (Cell::new(one), Cell::new(other))
    };
}

/// Random enough to be unique within a trace, never zero, and without the system call that a random UUID costs.
fn span_id() -> u64 {
    SEEDS.with(|(seed, _)| next(seed))
}

/// The same, unique among traces.
fn trace_id() -> [u64; 2] {
    SEEDS.with(|(one, other)| [next(one), next(other)])
}

/// SplitMix64 (Steele, Lea, Flood 2014).
fn next(state: &Cell<u64>) -> u64 {
    let seed = state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
    state.set(seed);
    let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)).max(1)
}

/// Trace id and flags of a sound `traceparent`, of version 00 or a later one that extends it.
fn trace_and_flags(parent: &str) -> Option<(&str, &str)> {
    let hex = |text: &str, len: usize| {
        text.len() == len && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let zero = |text: &str| text.bytes().all(|b| b == b'0');
    let mut fields = parent.splitn(5, '-');
    let (version, trace, span, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let extended = fields.next().is_some();
    let sound = hex(version, 2)
        && version != "ff"
        && !(version == "00" && extended)
        && hex(trace, 32)
        && !zero(trace)
        && hex(span, 16)
        && !zero(span)
        && hex(flags, 2);
    sound.then_some((trace, flags))
}

#[cfg(test)]
mod tests {
    use super::{child_of, trace_and_flags};

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_child_keeps_the_trace_and_its_flags_under_a_new_span() {
        let child = child_of(Some(PARENT));
        assert!(child.starts_with("00-0af7651916cd43dd8448eb211c80319c-"), "{child}");
        assert!(child.ends_with("-01"), "{child}");
        assert!(trace_and_flags(&child).is_some(), "{child}");
        assert_ne!(child, child_of(Some(PARENT)), "each call has its own span");
        assert_ne!(child, PARENT);
    }

    #[test]
    fn without_a_sound_parent_a_new_unsampled_trace_begins() {
        let long = format!("{PARENT}-x");
        let zero_trace = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
        for parent in [None, Some(""), Some("ff-0af7"), Some(zero_trace), Some(&long), Some("00-A-B-C")] {
            let header = child_of(parent);
            assert!(header.ends_with("-00"), "{header}");
            assert!(trace_and_flags(&header).is_some(), "{header}");
        }
        let later = PARENT.replacen("00", "01", 1) + "-more";
        assert!(child_of(Some(&later)).starts_with("00-0af7651916cd43dd"), "a later version is read as 00");
    }
}
