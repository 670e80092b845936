//! Which answers of which operations were seen. Each test is a process of its own: what they saw together goes
//! into the file that `TEST_ANSWERS_SEEN` names, a line for each. `tests/contract/seen.py` reads it in the end.

use std::{collections::BTreeSet, fs::OpenOptions, io::Write as _};

use parking_lot::Mutex;

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
