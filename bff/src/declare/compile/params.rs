//! Parameters.

use super::super::{
    mistake::{At, but, quoted},
    read::{Param, ParamPlace, ParamType, Scalar},
    text::{Segment, SegmentPiece},
};
use super::context::Context;
use crate::compose::plan::{ParamKind, ParamPlan, ParamSource, ParamValue};

/// Names that placeholders have for other things.
const RESERVED: [&str; 5] = ["user", "session", "response", "ids", "location"];

/// The parameters of a path with those that are declared: those of the path are ids unless said otherwise.
pub(super) fn params(cx: &Context<'_>, path: &At<Vec<Segment>>, declared: &[Param]) -> Vec<ParamPlan> {
    let in_path: Vec<(&str, bool)> = path
        .iter()
        .filter_map(|segment| Some((segment.0.only()?.head.as_str(), segment.kind() == SegmentPiece::Rest)))
        .collect();
    let mut params = Vec::new();
    for param in declared {
        let named = in_path.iter().find(|(name, _)| *name == param.name.as_str());
        if RESERVED.contains(&param.name.as_str()) {
            cx.mistake(
                &param.name.spot,
                format_args!("{} can be no name of a parameter", quoted(&param.name)),
            );
        }
        match (&param.place, named) {
            (ParamPlace::Path, None) => {
                let known = but(in_path.iter().map(|(name, _)| *name));
                cx.mistake(&param.name.spot, format_args!("is not in the path{known}"));
            }
            (ParamPlace::Path, _) | (_, None) => {}
            (_, Some(_)) => cx.mistake(&param.name.spot, "stands in the path, and is declared elsewhere"),
        }
        let rest = named.is_some_and(|(_, rest)| *rest);
        params.push(plan(param, rest));
    }
    for (name, rest) in in_path {
        if params.iter().all(|param| *param.name != *name) {
            if RESERVED.contains(&name) {
                cx.mistake(&path.spot, format_args!("{} can be no name of a parameter", quoted(name)));
            }
            let source = if rest { ParamSource::Rest } else { ParamSource::Path };
            params.push(ParamPlan {
                name: name.into(),
                source,
                kind: ParamKind::Id,
                default: None,
                compact_default: None,
            });
        }
    }
    params
}

fn plan(param: &Param, rest: bool) -> ParamPlan {
    let value = |scalar: &At<Scalar>| match &scalar.value {
        // Blank or empty counts as absent, in a default as well.
        Scalar::Text(text) => (!text.trim().is_empty()).then(|| ParamValue::Text(text.as_str().into())),
        Scalar::Integer(number) => Some(ParamValue::Integer(*number)),
        Scalar::Boolean(value) => Some(ParamValue::Boolean(*value)),
    };
    ParamPlan {
        name: param.name.as_str().into(),
        source: match &param.place {
            ParamPlace::Path if rest => ParamSource::Rest,
            ParamPlace::Path => ParamSource::Path,
            ParamPlace::Query => ParamSource::Query,
            ParamPlace::Header(name) => ParamSource::Header(name.as_str().into()),
            ParamPlace::StaticResponse => ParamSource::StaticResponse,
        },
        kind: match &param.kind {
            ParamType::Id => ParamKind::Id,
            ParamType::Integer(min, max) => ParamKind::Integer(*min..=*max),
            ParamType::Boolean => ParamKind::Boolean,
            ParamType::Cursor => ParamKind::Cursor,
            ParamType::Text { max_length, one_of } => ParamKind::String {
                max_length: *max_length,
                one_of: one_of.iter().map(|value| value.as_str().into()).collect(),
            },
        },
        default: param.default.as_ref().and_then(value),
        compact_default: param.compact_default.as_ref().and_then(value),
    }
}
