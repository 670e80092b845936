//! One composition of a declared screen: what it needs is its own, since it may go on when its request has ended.

use std::sync::Arc;

use bytestring::ByteString;

use super::declared_screen::DeclaredScreen;
use crate::{
    compose::{
        ComposeError, Composed, MadeOf, PartCache, Uncomposed,
        backend::Backing,
        engine::{Asked, AskingSession, AskingUser, Previous, Times},
        params::Params,
    },
    identity::{Caller, nobodys_call_context},
    telemetry::Metrics,
};

/// What a composition is made of.
pub(super) struct Composition {
    pub(super) screen: Arc<DeclaredScreen>,
    pub(super) caller: Option<Caller>,
    pub(super) params: Arc<Params>,
    pub(super) compact: bool,
    pub(super) request_id: String,
    pub(super) traceparent: Option<Arc<str>>,
}

impl Composition {
    /// Composes the document, with what `parts` keep of the one before.
    pub(super) async fn compose(self, parts: PartCache) -> Result<Composed, Uncomposed<ComposeError>> {
        let Self { screen, caller, params, compact, request_id, traceparent } = self;
        let budget = screen.settings.deadline;
        let cx = match &caller {
            Some(caller) => caller.call_context(&request_id, traceparent, budget),
            None => nobodys_call_context(&request_id, traceparent, budget),
        };
        let user = caller.as_ref().map(|caller| asking_user(caller, &screen.backend.plan().card));
        let session = caller.as_ref().map(asking_session);
        let asked = Asked { params: &params, user: user.as_ref(), session: session.as_ref(), compact };
        let backing = Backing {
            screen: Some(screen.plan().name),
            progress: Some(parts.progress()),
            begun: parts.begun(),
        };
        let host = screen.backend.host(&cx, backing);
        let before = parts.slices();
        let previous = before.as_deref().map(|kept| Previous {
            kept,
            reuse_after: parts.reuse_after(),
            foresees: false,
        });
        let times = Times { deadline: budget, fresh: parts.times().fresh, usable: parts.times().last_good };
        let _counted = Composing::new(&screen.documents.metrics);
        match screen.engine.compose(&host, &asked, previous, times).await {
            Ok(document) => {
                let complete = document.is_complete();
                let kept = Arc::new(document.kept);
                parts.keep_slices(Arc::clone(&kept));
                Ok(Composed {
                    body: document.body,
                    tags: MadeOf::Slices(kept),
                    complete,
                    withheld: document.withheld,
                    made_at: document.made_at,
                    timings: document.timings,
                })
            }
            Err(failed) => {
                // What did come is good for the next try.
                if let Some(kept) = failed.kept {
                    parts.keep_slices(Arc::new(kept));
                }
                Err(failed.error.into())
            }
        }
    }
}

/// What the engine may show of a caller.
fn asking_user(caller: &Caller, card: &[Box<str>]) -> AskingUser {
    let profile = &caller.session.profile;
    AskingUser {
        id: caller.user.clone(),
        username: profile.username().map(Into::into),
        display_name: profile.display_name().map(Into::into),
        card: (!card.is_empty()).then(|| ByteString::from(profile.card(card).get())),
    }
}

/// What it may show of their session.
fn asking_session(caller: &Caller) -> AskingSession {
    AskingSession {
        id: caller.session.public_id().into(),
        client: caller.session.client.clone(),
        address: caller.session.address.clone(),
    }
}

/// Counts a composition while it is under way, however it ends.
struct Composing<'m>(&'m Metrics);

impl<'m> Composing<'m> {
    fn new(metrics: &'m Metrics) -> Self {
        metrics.composing.inc();
        Self(metrics)
    }
}

impl Drop for Composing<'_> {
    fn drop(&mut self) {
        self.0.composing.dec();
    }
}
