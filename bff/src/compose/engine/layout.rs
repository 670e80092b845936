//! How a document's layout is written down, in as few bytes as it takes: numbers of variable length (LEB128), most of them
//! distances.
//!
//! ```text
//! layout   = part* join*                      in the plan's order
//! part     = 0 | 1 times inputs? tags field* capture*
//! join     = 0 | 1 times tags
//! times    = milliseconds since the base, generation
//! inputs   = 8 bytes: a hash of the values that the call was made with, where it needs other parts
//! tags     = how many of the table are its own
//! field    = 0 | 1 start length holes         start: counted from the end of the field before
//! holes    = how many, hole*
//! hole     = gap place<<2|kind ids            gap: from the end of the hole before, or from the beginning
//! ids      = none | id value | many (id value)*
//! id       = how far it stands before the hole
//! value    = length<<1|failed holes?          holes: where the place has joins of its own, and it is not null
//! capture  = how many, position*
//! ```

/// What is at a hole.
pub(super) const NO_ID: u64 = 0;
pub(super) const ONE_ID: u64 = 1;
pub(super) const LIST: u64 = 2;

/// Writes a number.
pub(super) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Writes how far `from` is before `to`, or behind it.
pub(super) fn put_distance(out: &mut Vec<u8>, from: u32, to: u32) {
    let distance = i64::from(to) - i64::from(from);
    put(out, ((distance << 1) ^ (distance >> 63)).cast_unsigned());
}

/// Reads what was written. What is not there is nothing.
#[derive(Debug, Clone)]
pub(super) struct Reader<'l>(pub(super) &'l [u8]);

impl Reader<'_> {
    pub(super) fn number(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
            shift += 7;
        }
    }

    pub(super) fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    /// What [`put_distance`] wrote: where `from` was.
    pub(super) fn before(&mut self, to: u32) -> Option<u32> {
        let number = self.number()?;
        let distance = (number >> 1).cast_signed() ^ -(number & 1).cast_signed();
        u32::try_from(i64::from(to) - distance).ok()
    }

    pub(super) fn hash(&mut self) -> Option<u64> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*bytes))
    }
}
