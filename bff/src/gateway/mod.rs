//! The composition root: the one module that knows every piece. What is served whatever is declared: `contract`. The
//! order of the stages: `server`. How the pieces are put together: `builder`. From the start to the end: `running`.

mod accounts;
mod additions;
mod builder;
mod contract;
mod cors;
mod declared;
mod deletion_steps;
mod error;
mod foundation;
mod internal;
mod job_runner;
mod providers;
mod reload;
mod rotation;
mod running;
mod server;
mod site;
mod stop;
mod wiring;

pub use builder::GatewayBuilder;
pub use contract::openapi;
pub use error::StartError;
pub use foundation::log_settings;
pub use reload::ReadAgain;
pub use running::Gateway;
pub use wiring::key_times;
