//! The contract with callers, as OpenAPI 3.1: `auth`, `screens` and `live` describe their operations beside their
//! handlers, `gateway` collects them into one document.
//!
//! What every operation has by its nature (401 for those that need a session, 413 for those that read a body, …) is
//! added here, so that a description says only what is its own. Problem codes are not written twice: a description
//! names the [`ApiError`] that its handler answers, and the code and the status follow from that.

mod access;
mod compact;
mod document;
mod endpoint;
mod headers;
mod operation;
mod problems;
mod serve;
mod shapes;

pub use access::Access;
pub use compact::{compact_of, resolved};
pub use document::Contract;
pub use endpoint::{Answering, Endpoint, answering};
pub use headers::AnswerHeader;
pub use operation::Operation;
pub use problems::{upstream_failures, upstream_problems};
pub use shapes::{any_text, choice, date_time, number, object, text, text_matching};
