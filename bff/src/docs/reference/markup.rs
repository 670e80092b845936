//! HTML out of text and out of the little Markdown that the contract's words use.

use std::fmt::{Display, Formatter, Result, Write};

/// Appends to a page. Writing to a string does not fail.
macro_rules! put {
    ($out:expr, $($format:tt)*) => {{
        let _ = std::fmt::Write::write_fmt($out, format_args!($($format)*));
    }};
}
pub(super) use put;

/// Text as it stands between tags and in quoted attributes.
pub(super) struct Text<'t>(pub(super) &'t str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// One line of Markdown: `code` and text.
pub(super) struct Line<'t>(pub(super) &'t str);

impl Display for Line<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let pieces: Vec<&str> = self.0.split('`').collect();
        for (place, piece) in pieces.iter().enumerate() {
            // A backtick without its other half is one.
            match (place % 2, place + 1 == pieces.len()) {
                (0, _) => Text(piece).fmt(f)?,
                (_, false) => write!(f, "<code>{}</code>", Text(piece))?,
                (_, true) => write!(f, "`{}", Text(piece))?,
            }
        }
        Ok(())
    }
}

/// Paragraphs and lists of Markdown.
pub(super) struct Words<'t>(pub(super) &'t str);

impl Display for Words<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for block in self.0.split("\n\n").map(str::trim).filter(|block| !block.is_empty()) {
            if block.starts_with("- ") {
                f.write_str("<ul>")?;
                for item in block.lines() {
                    write!(f, "<li>{}</li>", Line(item.strip_prefix("- ").unwrap_or(item)))?;
                }
                f.write_str("</ul>")?;
            } else {
                write!(f, "<p>{}</p>", Line(block))?;
            }
        }
        Ok(())
    }
}

/// What a heading is reached by: lower case, words joined by hyphens.
pub(super) fn slug(name: &str) -> String {
    name.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("-")
        .to_lowercase()
}
