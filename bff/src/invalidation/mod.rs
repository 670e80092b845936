//! How what became invalid becomes so on every replica: what was sent through the store is applied and acknowledged, so
//! that whoever waits may say that it holds everywhere. Used by `cache` for what writes make old, and by `identity` for
//! sign-ins that have ended.

mod acks;
mod confirmed;
mod peers;

pub use acks::{AckSender, Applied};
pub use confirmed::{ConfirmedMessages, Delivery, ENDING_ACK_TIMEOUT};
pub use peers::{ACK_TIMEOUT, Peers, Pending};
