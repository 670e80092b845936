//! A backend-for-frontend gateway. The folders tell a request's way: `edge` receives it, `identity` says who
//! asks, `screens` and `api` know what is asked for, `cache` has the answer or lets `compose` make it out of what
//! the crate `clients` fetches. `declare` reads what is served, and compiles it for `compose`. `invalidation` makes old on every replica what was changed or ended on one of them; `store` and
//! `telemetry` serve them all; [`app`] puts the pieces together.

pub mod api;
pub mod app;
pub mod cache;
pub mod compose;
pub mod config;
pub mod declare;
pub mod docs;
pub mod edge;
pub mod files;
pub mod idempotency;
pub mod identity;
pub mod invalidation;
pub mod live;
pub mod routes;
pub mod screens;
pub mod store;
pub mod telemetry;
