//! A change of one count.

/// A count to be changed.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) of: Of,
    pub(super) key: Vec<u8>,
    pub(super) delta: i64,
}

#[derive(Debug)]
pub(super) enum Of {
    Failed,
    Tried,
}
