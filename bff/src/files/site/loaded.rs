//! What became of the folder.

/// What reading the folder has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Files that are served.
    pub files: usize,
    /// Of those, from the builds before.
    pub retired: usize,
    /// Files that are other than before, or new.
    pub changed: usize,
    /// In memory.
    pub bytes: usize,
    /// What is in the folder and not served, and why: one line each.
    pub notes: Vec<String>,
}
