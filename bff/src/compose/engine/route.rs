//! The joins of a route: an answer that passes through, with what its ids name spliced in.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use bytestring::ByteString;
use smallvec::SmallVec;

use super::{
    asked::{Asked, Times},
    host::Host,
    pieces::Pieces,
    run::started,
    state::State,
    tables::Tables,
    write::{Writer, size_of},
};
use crate::compose::{
    PartFailure,
    plan::{CachePlan, LookupPlan, PartPlan, PerView, RoutePlan, ScreenPlan},
    scan::{Capture, Plan, ScanError},
};

/// How long the joins of a route may keep its answer waiting.
const WAIT: Duration = Duration::from_millis(500);

/// What a route makes of answers. One for each plan.
#[derive(Debug)]
pub struct RouteEngine {
    /// A screen of one part and no fields.
    plan: ScreenPlan,
    lookups: Box<[Arc<LookupPlan>]>,
    tables: Tables,
}

/// An answer as it leaves.
#[derive(Debug, Clone)]
pub struct RouteAnswer {
    /// JSON.
    pub body: Bytes,
    /// The first value at each path that was asked for.
    pub values: Vec<Option<String>>,
}

impl RouteEngine {
    /// Of a route and all look-ups of its gateway; `None` where a join names a look-up that there is none of.
    #[must_use]
    pub fn new(route: &RoutePlan, lookups: &[Arc<LookupPlan>]) -> Option<Self> {
        let of_join = route.joins.iter().map(|join| lookups.get(join.lookup.index()).cloned());
        let lookups = of_join.collect::<Option<_>>()?;
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
            expect: route.expect.clone(),
            tags: Box::default(),
            tags_of: Box::default(),
            remember: route.remember.iter().map(|one| (one.table, one.key, one.value)).collect(),
        };
        let plan = ScreenPlan {
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
        };
        let tables = Tables::new(&plan, false);
        Some(Self { plan, lookups, tables })
    }

    /// Checks an answer, remembers what there is to remember of it, and joins it: what a look-up does not bring in 500 ms is
    /// null. `values`: paths whose first value the route needs.
    ///
    /// # Errors
    /// [`PartFailure::Invalid`] where the answer cannot be used, [`PartFailure::Mismatch`] where it is about something else.
    pub async fn answer<H: Host>(
        &self,
        host: &H,
        asked: &Asked<'_>,
        answer: Bytes,
        values: &[Capture],
    ) -> Result<RouteAnswer, PartFailure> {
        let text = ByteString::try_from(answer).map_err(|_| PartFailure::Invalid(ScanError::NotUtf8(0)))?;
        let [part] = &*self.plan.parts else { return Err(PartFailure::Mismatch) };
        let scanned = part.scan.full.scan_text(&text).map_err(PartFailure::Invalid)?;
        let mut pieces = Pieces::new(text, scanned);
        let times = Times { deadline: WAIT, fresh: Duration::ZERO, usable: Duration::ZERO };
        let mut run = started((&self.plan, &self.lookups, &self.tables), host, asked, None, times);
        if !run.is_expected(part, std::slice::from_ref(&pieces)) {
            return Err(PartFailure::Mismatch);
        }
        let all = 0..pieces.scanned.pieces.len();
        run.bind(0, &mut pieces, all.clone(), 0);
        for (table, key, value) in &part.remember {
            for (key, value) in pieces.texts(*key).zip(pieces.texts(*value)) {
                host.remember(*table, &key, &value);
            }
        }
        let values =
            values.iter().map(|path| pieces.texts(*path).next().map(std::borrow::Cow::into_owned)).collect();
        let mut came = SmallVec::new();
        came.push(pieces);
        run.parts[0].state = State::Came(came);
        // No part is called any more, and nothing else ends it.
        let _ = run.carry_out().await;
        let [pieces] = run.parts[0].came() else { return Err(PartFailure::Mismatch) };
        let mut writer = Writer::plain(&run.joins, size_of(&run.joins, pieces, all.clone()));
        writer.write(pieces, all);
        Ok(RouteAnswer { body: writer.finish().0.into(), values })
    }
}
