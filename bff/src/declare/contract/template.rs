//! The paths of a contract, by their segments.

/// A path of a contract.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) path: String,
    pub(super) segments: Vec<TemplateSegment>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum TemplateSegment {
    Literal(String),
    Parameter(String),
    /// Text and parameters in one segment, which a declared call does not have.
    Mixed,
}

/// Reads a path of a contract.
///
/// # Errors
/// What is wrong with it.
pub(super) fn template(path: &str) -> Result<Template, &'static str> {
    let inner = path.strip_prefix('/').ok_or("a path begins with `/`")?;
    let mut segments = Vec::new();
    for text in inner.split('/') {
        let mut depth = 0_i32;
        for c in text.chars() {
            depth += i32::from(c == '{') - i32::from(c == '}');
            if !(0..=1).contains(&depth) {
                return Err("its braces do not match");
            }
        }
        segments.push(match text {
            _ if depth != 0 || text.contains("{}") => return Err("its braces do not match"),
            text if is_placeholder(text) => TemplateSegment::Parameter(text[1..text.len() - 1].to_owned()),
            text if text.contains('{') => TemplateSegment::Mixed,
            text => TemplateSegment::Literal(text.to_owned()),
        });
    }
    let names = |segment: &TemplateSegment| match segment {
        TemplateSegment::Parameter(name) => Some(name.clone()),
        _ => None,
    };
    let mut known: Vec<String> = segments.iter().filter_map(names).collect();
    let all = known.len();
    known.sort();
    known.dedup();
    if known.len() < all {
        return Err("names a parameter twice");
    }
    Ok(Template { path: path.to_owned(), segments })
}

/// Whether a segment is one whole placeholder.
pub(super) fn is_placeholder(text: &str) -> bool {
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    inner.is_some_and(|inner| !inner.is_empty() && !inner.contains(['{', '}']))
}
