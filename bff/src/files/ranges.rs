//! `Range` (RFC 9110 section 14): which bytes of a file are wanted, also in several pieces.

use std::ops::Range;

/// More pieces than any player asks for; who asks for more gets the whole.
const MOST_PIECES: usize = 16;

/// What to send.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// 200. Also for what may be ignored: other units, malformed ranges, too many of them.
    Whole,
    /// 206, as it is.
    One(Range<u64>),
    /// 206, `multipart/byteranges`, in the order in which they were asked for.
    Several(Vec<Range<u64>>),
    /// 416: all of them begin behind the end.
    Nothing,
}

/// What the header `range` wants of `length` bytes.
pub(super) fn wanted(range: &str, length: u64) -> Wanted {
    let Some((unit, set)) = range.split_once('=') else { return Wanted::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Wanted::Whole;
    }
    let mut pieces = Vec::new();
    for spec in set.split(',').map(str::trim).filter(|spec| !spec.is_empty()) {
        match piece(spec, length) {
            // One that makes no sense makes none of the whole header (section 14.2).
            None => return Wanted::Whole,
            Some(piece) => pieces.push(piece),
        }
    }
    let asked = pieces.len();
    pieces.retain(|piece| !piece.is_empty());
    let all: u64 = pieces.iter().fold(0, |sum, piece| sum.saturating_add(piece.end - piece.start));
    match pieces.len() {
        0 if asked == 0 => Wanted::Whole,
        0 => Wanted::Nothing,
        1 => Wanted::One(pieces.remove(0)),
        // Section 17.15: ranges that overlap are no use but to make work.
        _ if asked > MOST_PIECES || all > length => Wanted::Whole,
        _ => Wanted::Several(pieces),
    }
}

fn piece(spec: &str, length: u64) -> Option<Range<u64>> {
    let (first, last) = spec.split_once('-')?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    match (first.trim(), last.trim()) {
        ("", last) => Some(length.saturating_sub(number(last)?)..length),
        (first, "") => Some(number(first)?.min(length)..length),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then(|| first.min(length)..length.min(last.saturating_add(1)))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Wanted, wanted};

    #[test]
    fn the_examples_of_rfc_9110_are_understood() {
        let of = |range: &str| wanted(range, 10_000);
        assert_eq!(of("bytes=0-499"), Wanted::One(0..500));
        assert_eq!(of("bytes=-500"), Wanted::One(9_500..10_000));
        assert_eq!(of("bytes=9500-"), Wanted::One(9_500..10_000));
        assert_eq!(of("bytes=0-0,-1"), Wanted::Several(vec![0..1, 9_999..10_000]));
        assert_eq!(of("bytes= 0-999, 4500-5499, -1000").pieces(), 3);
        assert_eq!(of("bytes=500-600,601-999"), Wanted::Several(vec![500..601, 601..1_000]));
        assert_eq!(of("bytes=0-1"), Wanted::One(0..2));
        assert_eq!(of("bytes=20000-,0-1"), Wanted::One(0..2), "what cannot be had is left out");
    }

    #[test]
    fn what_cannot_be_had_is_told_from_what_makes_no_sense() {
        for none in ["bytes=10000-", "bytes=-0", "bytes=10000-,20000-30000"] {
            assert_eq!(wanted(none, 10_000), Wanted::Nothing, "{none}");
        }
        let many = format!("bytes={}", (0..40).map(|n| format!("{n}-{n},")).collect::<String>());
        for odd in
            ["", "bytes", "bytes=", "bytes=,", "bytes=5-2", "bytes=a-b", "lines=0-1", "bytes=0-1,x", &many]
        {
            assert_eq!(wanted(odd, 10_000), Wanted::Whole, "{odd}");
        }
        assert_eq!(wanted("bytes=0-,0-,0-", 10_000), Wanted::Whole, "more than there is");
    }

    impl Wanted {
        fn pieces(&self) -> usize {
            if let Self::Several(pieces) = self { pieces.len() } else { 0 }
        }
    }

    proptest! {
        #[test]
        fn nothing_outside_the_file_is_ever_wanted(range in "bytes=[0-9, -]{0,40}", length in 0_u64..50) {
            let pieces = match wanted(&range, length) {
                Wanted::One(piece) => vec![piece],
                Wanted::Several(pieces) => pieces,
                Wanted::Whole | Wanted::Nothing => Vec::new(),
            };
            for piece in &pieces {
                prop_assert!(piece.start < piece.end && piece.end <= length);
            }
            prop_assert!(pieces.iter().map(|piece| piece.end - piece.start).sum::<u64>() <= length);
        }
    }
}
