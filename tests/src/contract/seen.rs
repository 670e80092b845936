//! Which answers of which operations were seen. Each test is a process of its own: what they saw together goes
//! into the file that `TEST_ANSWERS_SEEN` names, a line for each.

use std::{collections::BTreeSet, fs::OpenOptions, io::Write as _};

use parking_lot::Mutex;

use super::document::Contract;

static SEEN: Mutex<BTreeSet<(&'static str, u16)>> = Mutex::new(BTreeSet::new());

pub(super) fn note(operation: &'static str, status: u16) {
    if !SEEN.lock().insert((operation, status)) {
        return;
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "the harness is no part of the gateway and not configured by it"
    )]
    let file = std::env::var_os("TEST_ANSWERS_SEEN");
    if let Some(file) = file {
        let mut file = OpenOptions::new().create(true).append(true).open(file).expect("the file opens");
        file.write_all(format!("{operation} {status}\n").as_bytes()).expect("a line is written");
    }
}

/// The answers that this process has seen: operation and status.
#[must_use]
pub fn seen() -> BTreeSet<(String, u16)> {
    SEEN.lock().iter().map(|(operation, status)| ((*operation).to_owned(), *status)).collect()
}

/// The answers that the contract describes and that are no refusals.
#[must_use]
pub fn operations() -> BTreeSet<(String, u16)> {
    Contract::committed().operations().map(|(operation, status)| (operation.to_owned(), status)).collect()
}
