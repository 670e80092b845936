//! Reference upstreams: the profile, timeline and recipe services that the gateway calls, on SQLite.
//!
//! A call comes in through `http` (request id, service token, JSON in and out), is answered by one of
//! `profile`, `timeline` and `recipe`, and reaches its own database through `db`. Nothing is shared
//! between the three but code: each has its own address, database and token audience, and knows the
//! others' members and recipes only as opaque ids. `wire` has the shapes of what they take and answer.
//!
//! [`contract`] says what they have to answer; it is committed as `clients/contracts/*.json`, and the behaviour suites
//! hold every answer against it.
//!
//! [`start`] runs one of them inside any multi-threaded tokio runtime; the binary `upstreams` runs one
//! or all from the command line.

mod contract;
mod db;
mod export;
mod http;
mod options;
mod profile;
mod recipe;
pub mod seed;
mod server;
mod timeline;
mod token;
mod wire;

pub use contract::contract;
pub use options::{KeyText, Options, Service, TokenSecret, TotpKeySource};
pub use profile::mail::{MailError, MailOptions, SmtpUrl};
pub use server::{Running, StartError, start};
