//! Routes that answer with the caller's own profile.

use http::Method;

use super::{World, json, plan, route, served::Served};
use crate::{
    compose::plan::{GatewayPlan, RoutePlan, UpstreamId},
    telemetry::unix_ms,
};

const RENAMED: &str = r#"{"id":"ada","username":"ada","displayName":"Ada L.","avatarUrl":null,"bio":null,"createdAt":"2026-01-02T03:04:05Z","email":"ada@example.org","totpEnabled":true}"#;

#[actix_web::test]
async fn a_changed_profile_is_taken_over_by_the_sessions_before_the_answer() {
    let patch = RoutePlan { profile: true, ..route(Method::PATCH) };
    let read = RoutePlan { profile: true, ..route(Method::GET) };
    let routes = [patch, read].map(std::sync::Arc::new).into();
    let plan = GatewayPlan { routes, accounts: Some(UpstreamId(0)), ..plan() };
    let served = Served::new(World::of(plan, |_| json(200, RENAMED)).await).await;
    let name = async || {
        let key = &served.world.ada.session.key;
        let session = served.world.routes.sessions.find(key, unix_ms()).await.expect("a store");
        session.expect("a session").profile.display_name().map(ToOwned::to_owned)
    };
    assert_eq!(served.ask("GET /api/orders/7", "", "").await.status, 200);
    assert_eq!(name().await.as_deref(), Some("밥 Ada"), "a read takes nothing over");
    let written = served.ask("PATCH /api/orders/7", "", "").await;
    assert_eq!((written.status, written.text()), (200, RENAMED));
    assert_eq!(name().await.as_deref(), Some("Ada L."));
}

#[actix_web::test]
async fn what_is_no_profile_is_answered_and_changes_no_session() {
    let patch = RoutePlan { profile: true, ..route(Method::PATCH) };
    let plan =
        GatewayPlan { routes: [std::sync::Arc::new(patch)].into(), accounts: Some(UpstreamId(0)), ..plan() };
    let served = Served::new(World::of(plan, |_| json(200, r#"{"id":7}"#)).await).await;
    assert_eq!(served.ask("PATCH /api/orders/7", "", "").await.status, 200);
    let key = &served.world.ada.session.key;
    let session = served.world.routes.sessions.find(key, unix_ms()).await.expect("a store");
    assert_eq!(session.expect("a session").profile.display_name(), Some("밥 Ada"));
}
