//! Figures that suites measure. `tests/run` prints them at its end.

use std::{fmt::Display, fs::OpenOptions, io::Write as _};

/// Notes a figure: what it is of, and how much. Goes to the file that `TEST_FIGURES` names, or to standard
/// error where none is.
///
/// # Panics
/// When the file cannot be written.
pub fn note(what: &str, figure: impl Display) {
    let line = format!("{what}: {figure}\n");
    #[expect(
        clippy::disallowed_methods,
        reason = "the harness is no part of the gateway and not configured by it"
    )]
    let file = std::env::var_os("TEST_FIGURES");
    match file {
        Some(file) => {
            let opened = OpenOptions::new().create(true).append(true).open(file);
            let mut file = opened.expect("the file for figures opens");
            file.write_all(line.as_bytes()).expect("a figure is written");
        }
        None => eprint!("{line}"),
    }
}
