//! How a member leaves: `DELETE /api/me` records it and ends every sign-in, a job carries it to every service; and what
//! they take along, `GET /api/me/export`. Which services are asked is declared (`[accounts]`).

mod calls;
mod contract;
mod deletion;
mod departed;
mod export;
mod export_limit;
mod job;
mod pages;
mod step;

pub use calls::MemberCalls;
pub(in crate::auth) use contract::serve;
pub(in crate::auth) use deletion::FULL;
pub use departed::{DELETE_MEMBER, Departed};
pub use export_limit::ExportLimit;
pub use job::{MemberDeletion, MemberDeletionParts};
pub use step::{DeletionStep, StepError};
