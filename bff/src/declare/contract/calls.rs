//! Which operation of a contract a declared call means.

use super::{
    document::Contract,
    operations::{Operation, Parameter, ParameterPlace, PathItem},
    template::{Template, TemplateSegment, is_placeholder},
};

/// A segment of the path of a declared call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallSegment<'a> {
    Literal(&'a str),
    /// `{…}`, whatever is in the braces.
    Placeholder,
}

/// The segments of the path of a declared call, without its query: `/orders/{id}/history`. A segment that is a placeholder
/// in part alone is taken as a literal: no contract has it.
#[must_use]
pub fn call_segments(path: &str) -> Vec<CallSegment<'_>> {
    let inner = path.strip_prefix('/').unwrap_or(path);
    let segment =
        |text| if is_placeholder(text) { CallSegment::Placeholder } else { CallSegment::Literal(text) };
    inner.split('/').map(segment).collect()
}

/// The operation that a call means.
#[derive(Debug)]
pub struct CallMatch<'c> {
    pub operation: &'c Operation,
    /// The path's parameters: the segment of the call (from 0) that is put there, the parameter's name, and the parameter
    /// where the contract describes it.
    pub parameters: Vec<(usize, &'c str, Option<&'c Parameter>)>,
    /// For each placeholder (its segment, from 0) what literals the contract has in that place: no id may be one of them.
    pub reserved: Vec<(usize, Vec<&'c str>)>,
}

/// Why a call means no operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallMistake {
    #[error("the contract has no such path{}", like(similar))]
    NoPath {
        /// Paths of the contract that begin alike.
        similar: Vec<String>,
    },
    #[error("the contract has no {method} {path}, but {}", methods.join(", "))]
    NoMethod { method: String, path: String, methods: Vec<String> },
}

fn like(similar: &[String]) -> String {
    if similar.is_empty() { String::new() } else { format!(", but {}", similar.join(", ")) }
}

impl Contract {
    /// The operation that a call means: a literal is a literal of the contract rather than a value for a parameter, a
    /// placeholder is always a parameter's value. The path of `servers` is no part of a call.
    ///
    /// # Errors
    /// Where the contract has no such path, or no such method there.
    pub fn find(&self, method: &str, call: &[CallSegment<'_>]) -> Result<CallMatch<'_>, CallMistake> {
        let matching = self.paths.iter().filter_map(|item| Some((literals(&item.template, call)?, item)));
        let mut matching: Vec<_> = matching.collect();
        // The first difference decides, as in OpenAPI 3.1 section 4.8.8.2: concrete before templated.
        matching.sort_by(|(one, _), (other, _)| other.cmp(one));
        let with_method = |(_, item): &&(Vec<bool>, &PathItem)| {
            item.operations.iter().any(|operation| operation.method.eq_ignore_ascii_case(method))
        };
        let Some((_, item)) = matching.iter().find(with_method) else {
            return Err(match matching.first() {
                Some((_, item)) => CallMistake::NoMethod {
                    method: method.to_ascii_uppercase(),
                    path: item.template.path.clone(),
                    methods: item.operations.iter().map(|operation| operation.method.clone()).collect(),
                },
                None => CallMistake::NoPath { similar: self.similar(call) },
            });
        };
        let operation = item.operations.iter().find(|one| one.method.eq_ignore_ascii_case(method));
        let Some(operation) = operation else { return Err(CallMistake::NoPath { similar: Vec::new() }) };
        let named = item.template.segments.iter().enumerate().filter_map(|(place, segment)| match segment {
            TemplateSegment::Parameter(name) => {
                Some((place, name.as_str(), operation.parameter(ParameterPlace::Path, name)))
            }
            _ => None,
        });
        let placeholders =
            call.iter().enumerate().filter(|(_, segment)| **segment == CallSegment::Placeholder);
        let reserved = placeholders.map(|(place, _)| (place, self.literals_at(call, place)));
        Ok(CallMatch { operation, parameters: named.collect(), reserved: reserved.collect() })
    }

    /// The literals in one place of all paths that begin as the call does.
    fn literals_at(&self, call: &[CallSegment<'_>], place: usize) -> Vec<&str> {
        let mut found: Vec<&str> = self
            .paths
            .iter()
            .filter_map(|item| match item.template.segments.get(place)? {
                TemplateSegment::Literal(literal) if !literal.is_empty() => {
                    let before = item.template.segments.iter().zip(&call[..place]);
                    before
                        .map(|(ours, call)| fits(ours, call))
                        .all(|fit| fit.is_some())
                        .then_some(literal.as_str())
                }
                _ => None,
            })
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    fn similar(&self, call: &[CallSegment<'_>]) -> Vec<String> {
        let first = |template: &Template| match (template.segments.first(), call.first()) {
            (Some(ours), Some(call)) => fits(ours, call).is_some(),
            _ => false,
        };
        let similar = self.paths.iter().filter(|item| first(&item.template));
        similar.map(|item| item.template.path.clone()).take(8).collect()
    }
}

/// Which segments are literals on both sides. Nothing where the path is another one.
fn literals(template: &Template, call: &[CallSegment<'_>]) -> Option<Vec<bool>> {
    if template.segments.len() != call.len() {
        return None;
    }
    template.segments.iter().zip(call).map(|(ours, call)| fits(ours, call)).collect()
}

/// Whether a segment of a call may stand for one of a path, and as a literal.
fn fits(template: &TemplateSegment, call: &CallSegment<'_>) -> Option<bool> {
    match (template, call) {
        (TemplateSegment::Literal(known), CallSegment::Literal(given)) => (known == given).then_some(true),
        (TemplateSegment::Parameter(_), _) => Some(false),
        (TemplateSegment::Literal(_) | TemplateSegment::Mixed, CallSegment::Placeholder)
        | (TemplateSegment::Mixed, CallSegment::Literal(_)) => None,
    }
}
