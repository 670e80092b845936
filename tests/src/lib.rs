//! The harness: the real gateway as a child process, real upstreams, and a fault proxy before each of
//! them, all on loopback and port 0. The suites are in `tests/it`.
//!
//! A test makes a [`TestBff`], asks it for [`Actor`]s, breaks what it likes through the proxies
//! (`bff.recipe.delay(…)`), and reads from their journals what was really sent.

mod actor;
mod answer;
pub mod contract;
mod declared;
mod direct;
pub mod figures;
pub mod file_graph;
pub mod imports;
pub mod leak_canaries;
mod mail;
mod proxy;
pub mod redis;
mod s3;
mod system;
mod upstream_contract;
mod waiting;

pub use actor::{Actor, PASSWORD, Request, email};
pub use answer::Answer;
pub use declared::{DeclaredBff, DeclaredBuilder, Product, Reply, Stub, shop};
pub use direct::{Direct, Signer};
pub use mail::{MailServer, Received};
pub use proxy::{Fault, HUGE, Journal, PLANTED, Proxy, Recorded};
pub use s3::S3Server;
pub use system::{Builder, Output, Program, Replica, TestBff, program, run_bff};
pub use upstream_contract::{Seen, UpstreamContract};
pub use waiting::{eventually, soon};
