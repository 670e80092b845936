//! Data to begin with: ingredients for every recipe database, and people with recipes and posts for a
//! demo. Written straight into the databases. The demo's ids are fixed, so that each service can be
//! seeded on its own and all three still speak of the same people and recipes.

mod ingredients;
mod people;
mod person;
mod posts;
mod recipes;

pub use person::Person;
use person::hours_ago;
use rusqlite::Transaction;

use crate::{
    db::DatabaseError,
    http::Failure,
    profile::PasswordError,
    server::{Backend, Running},
};

pub(crate) use ingredients::insert_ingredients;

/// The password of everybody in the demo.
pub const PASSWORD: &str = "correct-horse-battery";

/// What became of the demo's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demo {
    /// Who is in it. They follow each other.
    pub people: Vec<Person>,
    /// False when all three databases held data already, which then stays as it is.
    pub added: bool,
}

/// The demo's data cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// Not the service that stands in this place.
    #[error("not the {expected} service")]
    WrongService {
        /// What should have been here.
        expected: &'static str,
    },
    /// A database refused.
    #[error("the demo's data were refused")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<Failure> for SeedError {
    fn from(source: Failure) -> Self {
        Self::Refused(Box::new(source))
    }
}

impl From<PasswordError> for SeedError {
    fn from(source: PasswordError) -> Self {
        Self::Refused(Box::new(source))
    }
}

/// Seeds all three; a database that holds data already stays as it is.
///
/// # Errors
/// [`SeedError`] when services are in the wrong places or a database refuses.
pub async fn demo(profile: &Running, timeline: &Running, recipe: &Running) -> Result<Demo, SeedError> {
    let expect =
        |right: bool, expected| if right { Ok(()) } else { Err(SeedError::WrongService { expected }) };
    expect(matches!(profile.backend(), Backend::Profile(_)), "profile")?;
    expect(matches!(timeline.backend(), Backend::Timeline(_)), "timeline")?;
    expect(matches!(recipe.backend(), Backend::Recipe(_)), "recipe")?;
    let mut added = false;
    for service in [profile, timeline, recipe] {
        added |= one(service).await?;
    }
    Ok(Demo { people: people::all(), added })
}

/// Seeds one service with its share; answers whether it did: a database that holds data already stays
/// as it is.
///
/// # Errors
/// [`SeedError`] when the database refuses.
pub async fn one(service: &Running) -> Result<bool, SeedError> {
    match service.backend() {
        Backend::Profile(profile) => {
            let hash = profile.passwords.hash(PASSWORD.to_owned()).await?;
            write(&profile.db, "members", move |tx| people::insert(tx, &hash)).await
        }
        Backend::Timeline(timeline) => write(&timeline.db, "posts", posts::insert).await,
        Backend::Recipe(recipe) => write(&recipe.db, "recipes", recipes::insert).await,
    }
}

async fn write(
    db: &crate::db::Database,
    table: &'static str,
    insert: impl FnOnce(&Transaction<'_>) -> Result<(), Failure> + Send + 'static,
) -> Result<bool, SeedError> {
    let outcome: Result<bool, Failure> = db
        .write(move |tx| {
            let any = format!("SELECT EXISTS (SELECT 1 FROM {table})");
            if tx.query_row(&any, [], |row| row.get(0)).map_err(DatabaseError::from)? {
                return Ok(false);
            }
            insert(tx)?;
            Ok(true)
        })
        .await;
    Ok(outcome?)
}
