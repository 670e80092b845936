//! `GET /bff/me`: my private profile, my session, my counts.

use actix_web::HttpRequest;
use futures_util::future::try_join;
use schemas::{MePage, MySession};

use super::{
    screen::{Screen, ScreenSettings, Screens, Upstream},
    tags,
};
use crate::{
    cache::DocumentKey,
    compose::{Compact, ComposeError, Composed, Run, View},
    edge::{ApiError, Operation},
    identity::Caller,
};

/// My own page.
#[derive(Debug)]
pub struct MeScreen;

impl Screen for MeScreen {
    const NAME: &'static str = "me";
    const ROUTE: &'static str = "/bff/me";
    const SUMMARY: &'static str = "My private profile, my session and my counts";
    const COMPACT: Compact =
        Compact { without: &["profile.bio", "profile.createdAt", "session"], at_most: &[] };
    type Document = MePage<'static>;
    type Viewer = Caller;
    type Params = ();

    fn params(_: &HttpRequest, _: View) -> Result<(), ApiError> {
        Ok(())
    }

    fn describe_params(operation: Operation) -> Operation {
        operation
    }

    fn key(me: &Caller, (): &(), key: DocumentKey) -> DocumentKey {
        // Two browsers of one user have two sessions, and each sees its own.
        key.with(&me.session.key)
    }

    fn settings(screens: &Screens) -> ScreenSettings {
        screens.me
    }

    async fn compose(run: Run, up: Upstream, me: Caller, (): ()) -> Result<Composed, ComposeError> {
        let (cx, clients) = (&up.cx, up.clients());
        let profile = run
            .part("profile")
            .tag(tags::member(&me.user))
            .required(up.own_account(|| clients.profile.me(cx)));
        let profile = async { profile.await.inspect(|profile| run.emit("profile", profile)) };
        let counts = run.part("counts").tag(tags::member(&me.user)).tag(tags::timeline(&me.user));
        let counts = async {
            let counts = counts.optional(clients.timeline.counts(cx, &me.user)).await;
            run.emit_behind("counts", &counts.as_deref());
            Ok(counts)
        };
        let (profile, counts) = try_join(profile, counts).await?;
        let page = MePage {
            profile: &profile,
            session: MySession {
                id: me.session.public_id(),
                client: &me.session.client,
                address: &me.session.address,
            },
            counts: counts.as_deref(),
            degraded: run.degraded(),
        };
        run.finish(&page)
    }
}
