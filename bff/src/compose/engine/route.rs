//! What a route makes of an answer that passes through: checked, remembered, joined, and written once. Called by `routes`, for
//! every route whose answers have content.
//!
//! Without joins the answer is scanned and written, and nothing is called. With them it is a composition of one part that is
//! there already: joins and their chains run as those of a screen do.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use bytestring::ByteString;
use smallvec::SmallVec;

use super::{
    UnknownLookup,
    asked::{Asked, Times},
    host::Host,
    run::started,
    segments::Segments,
    state::State,
    tables::{Tables, of_call, of_template},
    values::{NoAnswers, Values},
    write::{AddedValue, Writer},
};
use crate::compose::{
    PartFailure,
    plan::{CachePlan, LookupPlan, PartPlan, PerView, RoutePlan, ScreenPlan, Value},
    scan::{Capture, Plan, ScanError},
};

/// How long the joins of a route may keep its answer waiting: it is of use without them.
pub const JOIN_TIMEOUT: Duration = Duration::from_millis(500);

/// What a route makes of answers. One for each route of a plan.
#[derive(Debug)]
pub struct RouteEngine {
    route: Arc<RoutePlan>,
    /// A screen of one part and no fields.
    joined: ScreenPlan,
    lookups: Box<[Arc<LookupPlan>]>,
    tables: Tables,
    /// What its tags, `location` and `announce` name of an answer.
    named: Box<[Capture]>,
}

/// An answer as it leaves.
#[derive(Debug, Clone)]
pub struct RouteAnswer {
    /// JSON.
    pub body: Bytes,
    /// The first value at each path that the route names, where there is one.
    pub found: Vec<(Capture, Box<str>)>,
    /// Whether all joins could be had. What a look-up does not know was had.
    pub complete: bool,
}

impl RouteEngine {
    /// Of a route and all look-ups of its gateway.
    ///
    /// # Errors
    /// [`UnknownLookup`].
    pub fn new(route: Arc<RoutePlan>, lookups: &[Arc<LookupPlan>]) -> Result<Self, UnknownLookup> {
        let of_join = route.joins.iter().map(|join| lookups.get(join.lookup.index()).cloned());
        let lookups = of_join.collect::<Option<_>>().ok_or(UnknownLookup)?;
        let (joined, named) = (screen_of(&route), named_by(&route));
        let tables = Tables::new(&joined, false);
        Ok(Self { route, joined, lookups, tables, named })
    }

    /// Checks an answer, remembers what there is to remember of it, joins it, and adds what the route adds. What look-ups do not
    /// bring within `wait` (at most [`JOIN_TIMEOUT`]) is null.
    ///
    /// # Errors
    /// [`PartFailure::Invalid`] where the answer cannot be used, [`PartFailure::Mismatch`] where it is about something else.
    pub async fn answer<H: Host>(
        &self,
        host: &H,
        asked: &Asked<'_>,
        answer: Bytes,
        wait: Duration,
    ) -> Result<RouteAnswer, PartFailure> {
        let text =
            ByteString::try_from(answer.clone()).map_err(|_| PartFailure::Invalid(ScanError::NotUtf8(0)))?;
        let [part] = &*self.joined.parts else { return Err(PartFailure::Mismatch) };
        let scanned = part.scan.full.scan_text(&text).map_err(PartFailure::Invalid)?;
        let pieces = Segments::new(text, scanned);
        let values = Values { asked, answers: &NoAnswers };
        if !self.is_expected(&values, &pieces) {
            return Err(PartFailure::Mismatch);
        }
        for memory in &self.route.remember {
            for (key, value) in pieces.pairs(memory.key, memory.value) {
                host.remember(memory.table, &key, &value);
            }
        }
        let first = |path: &Capture| Some((*path, pieces.texts(*path).next()?.into()));
        let found = self.named.iter().filter_map(first).collect();
        let added: Vec<AddedValue> = self
            .route
            .add
            .iter()
            .map(|one| {
                let mut json = Vec::new();
                values.write_json(&Value::User(one.value), &mut json);
                (one.place, json)
            })
            .collect();
        if !self.route.joins.is_empty() {
            let (body, complete) = self.join(host, asked, pieces, &added, wait).await;
            return Ok(RouteAnswer { body, found, complete });
        }
        let is_verbatim = self.route.shape.as_ref().is_some_and(|shape| shape.verbatim);
        let body = if is_verbatim && added.is_empty() {
            answer
        } else {
            let all = 0..pieces.scanned.pieces.len();
            let mut writer = Writer::adding(&[], &added, &pieces, all.clone());
            writer.write(&pieces, all);
            writer.finish().0.into()
        };
        Ok(RouteAnswer { body, found, complete: true })
    }

    /// Whether an answer is about what was asked for. What the caller left out was not asked for.
    fn is_expected(&self, values: &Values<'_>, pieces: &Segments<'_>) -> bool {
        self.route.expect.iter().all(|(capture, template)| {
            let Some(expected) = values.template(template) else { return true };
            pieces.texts(*capture).all(|found| found == expected)
        })
    }

    /// The answer with its joins, and whether all of them could be had.
    async fn join<'p, H: Host>(
        &'p self,
        host: &H,
        asked: &Asked<'_>,
        mut pieces: Segments<'p>,
        added: &[AddedValue],
        wait: Duration,
    ) -> (Bytes, bool) {
        let times = Times { deadline: wait.min(JOIN_TIMEOUT), fresh: Duration::ZERO, usable: Duration::ZERO };
        let mut run = started((&self.joined, &self.lookups, &self.tables), host, asked, None, times);
        let all = 0..pieces.scanned.pieces.len();
        run.bind(0, &mut pieces, all.clone(), 0);
        let mut came = SmallVec::new();
        came.push(pieces);
        run.parts[0].state = State::Came(came);
        // The only part is there, and a join ends nothing.
        let _ = run.carry_out().await;
        let complete = run.log.degraded.is_empty();
        let [pieces] = run.parts[0].came() else { return (Bytes::new(), false) };
        let mut writer = Writer::adding(&run.joins, added, pieces, all.clone());
        writer.write(pieces, all);
        (writer.finish().0.into(), complete)
    }
}

/// The route's answer as the only part of a screen.
fn screen_of(route: &RoutePlan) -> ScreenPlan {
    let scan = route.shape.as_ref().map_or_else(Plan::untyped, |shape| shape.scan.clone());
    let part = PartPlan {
        name: route.name,
        call: route.call.clone(),
        needs: Box::default(),
        required: true,
        subject: true,
        share: None,
        page: None,
        when: None,
        otherwise: None,
        not_found_is_otherwise: false,
        scan: PerView { full: scan, compact: None },
        further: PerView { full: Box::default(), compact: None },
        expect: Box::default(),
        tags: Box::default(),
        tags_of: Box::default(),
        remember: Box::default(),
    };
    ScreenPlan {
        name: route.name,
        path: route.path.clone(),
        access: route.access,
        vary_by_session: false,
        params: route.params.clone(),
        parts: [part].into(),
        joins: route.joins.clone(),
        document: Box::default(),
        at_least_one: Box::default(),
        cache: CachePlan::default(),
    }
}

/// The paths of an answer that a route names.
fn named_by(route: &RoutePlan) -> Box<[Capture]> {
    let mut named = Vec::new();
    let mut note = |value: &Value| {
        if let Value::Response(capture) = value
            && !named.contains(capture)
        {
            named.push(*capture);
        }
    };
    let tags = route.drops.iter().chain(&route.drops_mine);
    tags.filter_map(|tag| tag.id.as_ref()).for_each(&mut note);
    route.recall.iter().for_each(|recall| note(&recall.key));
    let location = route.location.iter().map(|location| &location.0);
    let topic = route.announce.iter().map(|announcement| &announcement.topic);
    location.chain(topic).for_each(|template| of_template(template, &mut note));
    named.into()
}

/// Whether a route names anything of its caller's session.
#[must_use]
pub fn names_session(route: &RoutePlan) -> bool {
    let mut found = false;
    let mut note = |value: &Value| found |= matches!(value, Value::Session(_));
    of_call(&route.call, &mut note);
    let tags = route.drops.iter().chain(&route.drops_mine);
    tags.filter_map(|tag| tag.id.as_ref()).for_each(&mut note);
    route.recall.iter().for_each(|recall| note(&recall.key));
    let expected = route.expect.iter().map(|(_, template)| template);
    let location = route.location.iter().map(|location| &location.0);
    let topic = route.announce.iter().map(|announcement| &announcement.topic);
    expected.chain(location).chain(topic).for_each(|template| of_template(template, &mut note));
    found
}
