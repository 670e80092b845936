//! What a route may be: the body that callers send, and what may not stand together.

use http::Method;

use super::{
    super::{
        contract::BodyValidator,
        mistake::{alternatives, did_you_mean, quoted},
        text::SegmentPiece,
    },
    call::Target,
    context::Context,
    route_outline::RouteOutline,
    scope::Scope,
};
use crate::compose::plan::{BodyCheck, BodyPlan, FileField, ParamSource};

impl RouteOutline<'_> {
    /// What a caller sends. `None`: a mistake was noted.
    #[expect(clippy::option_option, reason = "wrong, none or there: three things")]
    pub(super) fn body(&self, cx: &Context<'_>) -> Option<Option<BodyPlan>> {
        let (route, operation) = (self.route, self.target.as_ref().and_then(Target::operation));
        let is_read = self.method == Method::GET;
        let Some(name) = route.body.as_ref().filter(|_| !is_read) else {
            return if is_read || route.stream { Some(None) } else { self.unnamed_body(cx) };
        };
        let Some((operation, contract)) =
            operation.zip(self.target.as_ref().and_then(|target| target.contract))
        else {
            if self.target.as_ref().is_some_and(|target| target.matched.is_none()) {
                cx.mistake(&name.spot, "there is no contract whose schema this could be");
            }
            return None;
        };
        let Some(body) = &operation.body else {
            // With several methods, those that have a body are meant.
            if route.methods.len() == 1 {
                cx.mistake(&name.spot, "by the contract, the call has no body");
                return None;
            }
            return Some(None);
        };
        let Some(schema) = contract.schema_named(name) else {
            let near = did_you_mean(name, contract.schema_names());
            cx.mistake(&name.spot, format_args!("the contract has no schema {}{near}", quoted(name)));
            return None;
        };
        let Some(media) = body.content.iter().find(|media| media.is_json()) else {
            cx.mistake(&name.spot, "by the contract, the body is not JSON: declare `stream = true`");
            return None;
        };
        match BodyValidator::compile(contract, schema) {
            Ok(validator) => {
                let check = move |body: &serde_json::Value| validator.validate(body);
                Some(Some(BodyPlan {
                    media_type: media.media_type.as_str().into(),
                    required: true,
                    check: BodyCheck(std::sync::Arc::new(check)),
                }))
            }
            Err(mistakes) => {
                mistakes.iter().for_each(|mistake| cx.mistake(&name.spot, mistake));
                None
            }
        }
    }

    /// What a caller may send where no schema is named: what the contract says of it, any JSON where there is no contract.
    #[expect(clippy::option_option, reason = "wrong, none or there: three things")]
    fn unnamed_body(&self, cx: &Context<'_>) -> Option<Option<BodyPlan>> {
        let to = &self.route.to.spot;
        let plan = |media_type: &str, check| {
            let check = BodyCheck(check);
            Some(Some(BodyPlan { media_type: media_type.into(), required: false, check }))
        };
        let Some(operation) = self.target.as_ref().and_then(Target::operation) else {
            return plan("application/json", std::sync::Arc::new(|_: &serde_json::Value| Vec::new()));
        };
        let Some(body) = &operation.body else { return Some(None) };
        if body.required {
            cx.mistake(to, "by the contract, the call has a body: `body` must name its schema");
            return None;
        }
        let Some((media, contract)) = body
            .content
            .iter()
            .find(|media| media.is_json())
            .zip(self.target.as_ref().and_then(|target| target.contract))
        else {
            cx.mistake(to, "by the contract, the body is not JSON: declare `stream = true`");
            return None;
        };
        let Some(schema) = media.schema else {
            return plan(&media.media_type, std::sync::Arc::new(|_: &serde_json::Value| Vec::new()));
        };
        match BodyValidator::compile(contract, schema) {
            Ok(validator) => plan(
                &media.media_type,
                std::sync::Arc::new(move |body: &serde_json::Value| validator.validate(body)),
            ),
            Err(mistakes) => {
                mistakes.iter().for_each(|mistake| cx.mistake(to, mistake));
                None
            }
        }
    }

    /// The fields of the body that are keys of files.
    pub(super) fn files(&self, cx: &Context<'_>, is_read: bool) -> Vec<FileField> {
        let route = self.route;
        let mut fields = Vec::new();
        for (name, kind) in &route.files {
            let picture = match kind.as_str() {
                "image" => true,
                "file" => false,
                _ => {
                    let known = alternatives(["image", "file"]);
                    cx.mistake(&kind.spot, format_args!("{} must be {known}", quoted(kind)));
                    continue;
                }
            };
            if let Some(names) = self.body_fields()
                && !names.iter().any(|known| known == name.as_str())
            {
                let near = did_you_mean(name, names.iter().map(String::as_str));
                cx.mistake(&name.spot, format_args!("the body has no field {}{near}", quoted(name)));
            }
            fields.push(FileField { name: name.as_str().into(), picture });
        }
        if let Some((name, _)) = route.files.first() {
            if route.body.is_none() {
                cx.mistake(&name.spot, "only a route with a `body` has fields that are keys of files");
            } else if route.open {
                cx.mistake(&name.spot, "only a signed-in caller has files");
            }
        }
        if is_read { Vec::new() } else { fields }
    }

    /// The fields of the body by the contract; `None` where it is not known to have any.
    fn body_fields(&self) -> Option<Vec<String>> {
        let contract = self.target.as_ref().and_then(|target| target.contract)?;
        let schema = contract.schema_named(self.route.body.as_ref()?)?;
        Some(contract.schemas().names(schema).map(str::to_owned).collect())
    }

    /// Checks what may not stand together.
    pub(super) fn check(&self, cx: &Context<'_>, is_read: bool) {
        let route = self.route;
        let all_read = route.methods.iter().all(|method| method.as_str() == "GET");
        let forbid = |there: Option<&super::super::mistake::Spot>, why: &str| {
            if let Some(spot) = there {
                cx.mistake(spot, why);
            }
        };
        if all_read {
            let why = "only a write has this, and this route reads";
            forbid(route.drops_mine.first().map(|tag| &tag.spot), why);
            forbid(route.drops.first().map(|tag| &tag.spot), why);
            forbid(route.announce.as_ref().map(|announce| &announce.topic.spot), why);
            forbid(route.location.as_ref().map(|location| &location.spot), why);
            forbid(route.body.as_ref().map(|body| &body.spot), why);
            forbid(route.recall.first().map(|(name, _)| &name.spot), why);
            forbid(route.idempotent_key.as_ref().filter(|key| key.value).map(|key| &key.spot), why);
        }
        if route.stream {
            let why = "a stream is not looked into: it has no joins, add, pick, drop, rename, body, expect or remember";
            forbid(route.joins.first().map(|join| &join.name.spot), why);
            forbid(route.add.first().map(|(name, _)| &name.spot), why);
            forbid(route.shaping.pick.first().map(|path| &path.spot), why);
            forbid(route.shaping.drop.first().map(|path| &path.spot), why);
            forbid(route.shaping.rename.first().map(|(path, _)| &path.spot), why);
            forbid(route.body.as_ref().map(|body| &body.spot), why);
            forbid(route.expect.first().map(|(path, _)| &path.spot), why);
            forbid(route.remember.first().map(|one| &one.table.spot), why);
        }
        if let Some(if_match) = route.if_match.as_ref().filter(|if_match| if_match.value && is_read)
            && !(route.joins.is_empty() && route.add.is_empty() && route.shaping.is_empty())
        {
            cx.mistake(&if_match.spot, "a read with joins or shaping has no ETag of the upstream's");
        }
        let rest = |segments: &[super::super::text::Segment]| {
            segments.iter().any(|one| one.kind() == SegmentPiece::Rest)
        };
        if rest(&route.to.segments) && !rest(&route.path) {
            cx.mistake(&route.to.spot, "names the rest of a path, which `path` does not end with");
        }
        if self.answers.is_empty() && !route.stream {
            let why = "there is no answer with content";
            forbid(route.joins.first().map(|join| &join.name.spot), why);
            forbid(route.expect.first().map(|(path, _)| &path.spot), why);
            forbid(route.remember.first().map(|one| &one.table.spot), why);
        }
        if let Some(profile) = route.profile.as_ref().filter(|profile| profile.value && route.open) {
            cx.mistake(&profile.spot, "only a signed-in caller has a profile");
        }
    }

    pub(super) fn check_unused(&self, cx: &Context<'_>, scope: &Scope<'_, '_>) {
        for name in scope.unused() {
            let declared = self.route.params.iter().find(|param| param.name.as_str() == name);
            let in_path = self.params.iter().any(|param| {
                *param.name == *name && matches!(param.source, ParamSource::Path | ParamSource::Rest)
            });
            // Other methods of the route may use what this one does not.
            if declared.is_some() || in_path {
                let spot = declared.map_or(&self.route.path.spot, |param| &param.name.spot);
                cx.mistake(spot, format_args!("the parameter {} is used by nothing", quoted(name)));
            }
        }
    }
}
