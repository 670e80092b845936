//! What is wrong with a contract.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// What is wrong with a contract: where, and what. Written `FILE:LINE: POINTER: what`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ContractMistake {
    pub file: PathBuf,
    /// Counted from 1.
    pub line: Option<u32>,
    /// A JSON pointer (RFC 6901), empty where the document as a whole is wrong.
    pub pointer: String,
    pub what: String,
}

impl fmt::Display for ContractMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        let pointer = if self.pointer.is_empty() { "/" } else { &self.pointer };
        write!(f, ": {pointer}: {}", self.what)
    }
}

/// A mistake before it is known of which file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    /// 0 where there is none.
    pub(super) line: u32,
    pub(super) pointer: String,
    pub(super) what: String,
}

impl Mistake {
    pub(super) fn at(line: u32, pointer: &str, what: impl Into<String>) -> Self {
        Self { line, pointer: pointer.to_owned(), what: what.into() }
    }

    pub(super) fn of(self, file: &Path) -> ContractMistake {
        let line = (self.line > 0).then_some(self.line);
        ContractMistake { file: file.to_owned(), line, pointer: self.pointer, what: self.what }
    }
}
