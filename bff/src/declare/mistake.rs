//! What is wrong with declarations: all of it at once, each mistake with its file, line and key, in a form that editors and
//! terminals turn into links.

use std::{cell::RefCell, fmt, sync::Arc};

/// The most mistakes that are reported: a file of random bytes in the shape of TOML may hold any number of them.
const MAX_MISTAKES: usize = 1000;
/// The key of a file as a whole: every line has one.
const WHOLE_FILE: &str = "file";
/// The longest text out of a file that a mistake repeats, in characters.
const MAX_QUOTED: usize = 120;

/// Where a key or value stands in the declarations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// As the operator named the folder: `shop/screens/order.toml`.
    pub file: Arc<str>,
    /// Counted from 1.
    pub line: u32,
    /// Dotted, from the top of the file: `parts.order.get`. Empty: the file as a whole.
    pub key: Box<str>,
}

impl Spot {
    /// A file as a whole.
    pub(super) fn file(file: &Arc<str>) -> Self {
        Self { file: Arc::clone(file), line: 1, key: "".into() }
    }
}

/// A value, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<T> {
    pub value: T,
    pub spot: Spot,
}

impl<T> std::ops::Deref for At<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// One mistake. Displayed as `FILE:LINE: KEY: what is wrong`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub spot: Spot,
    /// One line, without control characters.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Spot { file, line, key } = &self.spot;
        let key = if key.is_empty() { WHOLE_FILE } else { key };
        write!(f, "{file}:{line}: {key}: {}", self.what)
    }
}

/// All mistakes of a set of declarations, by file and line. At least one. Displayed one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, mistake) in self.0.iter().enumerate() {
            let end = if place == 0 { "" } else { "\n" };
            write!(f, "{end}{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// Collects mistakes, so that whatever finds one goes on and finds the others.
#[derive(Debug, Default)]
pub(super) struct Report(RefCell<Vec<Mistake>>);

impl Report {
    /// Notes a mistake.
    pub(super) fn add(&self, spot: &Spot, what: impl fmt::Display) {
        let mut mistakes = self.0.borrow_mut();
        // A key of a contract may be any text.
        let spot = Spot { key: one_line(&spot.key).into(), ..spot.clone() };
        let mistake = Mistake { spot, what: one_line(&what.to_string()) };
        if mistakes.len() < MAX_MISTAKES && !mistakes.contains(&mistake) {
            mistakes.push(mistake);
        }
    }

    /// The value, or its mistake noted.
    pub(super) fn take<T, E: fmt::Display>(&self, spot: &Spot, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.add(spot, error)).ok()
    }

    /// What was noted: an error, unless nothing was.
    pub(super) fn into_result(self) -> Result<(), Mistakes> {
        let mut mistakes = self.0.into_inner();
        mistakes.sort_by(|a, b| (&a.spot.file, a.spot.line).cmp(&(&b.spot.file, b.spot.line)));
        if mistakes.is_empty() { Ok(()) } else { Err(Mistakes(mistakes)) }
    }
}

/// Text on one line: a declaration may hold anything, and what is printed goes to terminals.
pub(super) fn one_line(text: &str) -> String {
    let escaped = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escaped).collect()
}

/// Text out of a declaration, to be repeated in a mistake.
pub(super) fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(MAX_QUOTED).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("`{short}`")
}

/// Names to choose from: "`a`, `b` or `c`".
pub(super) fn alternatives<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.into_iter().take(24).map(quoted).collect();
    match &names[..] {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [some @ .., last] => format!("{} or {last}", some.join(", ")),
    }
}

/// `, but there are …` for a name that is none of those that there are; nothing where there are none.
pub(super) fn but<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let mut names = names.into_iter().peekable();
    if names.peek().is_none() { String::new() } else { format!("; there is {}", alternatives(names)) }
}

/// `; did you mean …?` for a name that is close to one of those that there are.
pub(super) fn did_you_mean<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    // The distance takes the product of the lengths.
    if name.len() > MAX_QUOTED {
        return String::new();
    }
    let near = known.into_iter().map(|other| (strsim::damerau_levenshtein(name, other), other)).min();
    match near {
        Some((distance, other)) if distance * 3 <= other.chars().count().max(3) => {
            format!("; did you mean {}?", quoted(other))
        }
        _ => String::new(),
    }
}
