//! Checks that look at all declarations together: names that stand twice, and paths that overlap. What a name in a
//! declaration stands for is checked where it is compiled.

mod names;
mod overlap;
mod reserved;

use super::{mistake::Report, read::Tree};

/// Checks everything.
pub(super) fn check(tree: &Tree, report: &Report) {
    names::check(tree, report);
    overlap::check(tree, report);
}
