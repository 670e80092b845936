//! The timeline service: posts, likes, and who follows whom. It knows members and recipes by id only, and
//! takes the gateway's word that they exist.

mod deletion;
mod follows;
mod lists;
mod posts;
mod state;

use actix_web::web::ServiceConfig;
pub(crate) use state::Timeline;

use crate::{db::Migration, http::Routes};

pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration { sql: include_str!("schema.sql"), fill: None },
    Migration { sql: include_str!("schema-2.sql"), fill: None },
];

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
    Routes::at("/members/{id}").delete(deletion::delete_member).register(config);
    Routes::at("/members/{id}/export").get(deletion::export).register(config);
    Routes::at("/members/{id}/posts").get(lists::of_member).register(config);
    Routes::at("/members/{id}/counts").get(follows::counts).register(config);
}
