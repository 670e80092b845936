//! A backend-for-frontend gateway. The folders tell a request's way: `edge` receives it, `identity` says who calls,
//! `screens`, `routes`, `auth`, `live` and `files` answer it, `cache` holds the answer or lets `compose` make it of what
//! the crate `clients` fetches. `declare` reads what is served and compiles it for `compose`; `docs` describes it to
//! callers. `invalidation` makes old on every replica what was changed or ended on one of them; `store` and `telemetry`
//! serve them all; [`gateway`] puts the pieces together.

pub mod auth;
pub mod cache;
pub mod compose;
pub mod config;
pub mod declare;
pub mod docs;
pub mod edge;
pub mod files;
pub mod gateway;
pub mod idempotency;
pub mod identity;
pub mod invalidation;
pub mod jobs;
pub mod live;
pub mod routes;
pub mod screens;
pub mod store;
pub mod telemetry;

pub use clients;
pub use config::Config;
pub use declare::Declarations;
pub use gateway::Gateway;
pub use schemas;
