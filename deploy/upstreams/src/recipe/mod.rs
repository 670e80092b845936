//! The recipe service: recipes and what they cost, likes, comments, ingredients. It knows members by id
//! only, and takes the gateway's word that they exist.

mod comments;
mod costing;
mod deletion;
mod ingredients;
mod input;
mod likes;
mod lists;
mod reading;
mod search;
mod state;
mod writing;

pub(crate) use state::{CURRENCY, Recipes};

use actix_web::web::ServiceConfig;

use crate::{db::Migration, http::Routes, seed};

pub(crate) use writing::store_at;

pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration { sql: include_str!("schema.sql"), fill: Some(seed::insert_ingredients) },
    Migration { sql: include_str!("schema-2.sql"), fill: None },
];

/// The paths of `clients/contracts/recipe.json`. Fixed paths come before `{id}`.
pub(crate) fn routes(config: &mut ServiceConfig) {
    Routes::at("/recipes").get(lists::list).post(writing::create).register(config);
    Routes::at("/recipes/cards").get(lists::cards).register(config);
    Routes::at("/recipes/for-me").get(lists::for_me).register(config);
    Routes::at("/recipes/{id}")
        .get(reading::one)
        .put(writing::replace)
        .delete(writing::delete)
        .register(config);
    Routes::at("/recipes/{id}/form").get(reading::form).register(config);
    Routes::at("/recipes/{id}/like").put(likes::like).delete(likes::unlike).register(config);
    Routes::at("/recipes/{id}/comments").get(comments::list).post(comments::create).register(config);
    Routes::at("/comments/{id}").put(comments::edit).delete(comments::delete).register(config);
    Routes::at("/comments/{id}/like").put(comments::like).delete(comments::unlike).register(config);
    Routes::at("/members/{id}").delete(deletion::delete_member).register(config);
    Routes::at("/members/{id}/export").get(deletion::export).register(config);
    Routes::at("/ingredients").get(ingredients::list).register(config);
}
