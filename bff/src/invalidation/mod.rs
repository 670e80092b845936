//! How what became invalid becomes so on every replica. Beneath `cache`, `compose` and `identity`.
//!
//! What a document is made of is written down as [`Tag`]s, and [`Invalidations`] remembers in which [`Generation`] a tag was
//! last purged. What is sent through the store is applied and acknowledged by every replica, so that whoever waits may say
//! that it holds everywhere: what writes make old, and sign-ins that have ended.

mod acks;
mod confirmed;
mod peers;
mod places;
mod purges;
mod table;
mod tag;

pub use acks::{AckSender, Applied};
pub use confirmed::{ConfirmedMessages, Delivery, ENDING_ACK_TIMEOUT};
pub use peers::{ACK_TIMEOUT, Peers, Pending};
pub use table::{Generation, HashedTag, HashedUser, Invalidations, Validity};
pub use tag::Tag;
