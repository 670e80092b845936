//! The timeline service: posts, likes, and who follows whom. It knows members and recipes by id only, and
//! takes the gateway's word that they exist.

mod follows;
mod lists;
mod posts;

use actix_web::web::ServiceConfig;

use crate::{
    db::{Database, Migration},
    http::Routes,
};

pub(crate) const MIGRATIONS: &[Migration] = &[Migration { sql: include_str!("schema.sql"), fill: None }];

/// What the service works with.
pub(crate) struct Timeline {
    pub(crate) db: Database,
}

impl Timeline {
    pub(crate) const fn new(db: Database) -> Self {
        Self { db }
    }
}

/// The paths of `clients/contracts/timeline.json`.
pub(crate) fn routes(config: &mut ServiceConfig) {
    Routes::at("/timeline").get(lists::mine).register(config);
    Routes::at("/posts").post(posts::create).register(config);
    Routes::at("/posts/{id}").delete(posts::delete).register(config);
    Routes::at("/posts/{id}/like").put(posts::like).delete(posts::unlike).register(config);
    Routes::at("/follows/{id}")
        .get(follows::following)
        .put(follows::follow)
        .delete(follows::unfollow)
        .register(config);
    Routes::at("/members/{id}/posts").get(lists::of_member).register(config);
    Routes::at("/members/{id}/counts").get(follows::counts).register(config);
}
