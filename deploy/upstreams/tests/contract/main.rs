//! The contract of the three services, over HTTP, with tokens from a gateway of our own.

mod account_life;
mod deletion;
mod gateway;
mod old_database;
mod paging;
mod profile;
mod recipe;
mod seeded;
mod timeline;
mod token;
