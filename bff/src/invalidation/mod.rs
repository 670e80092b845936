//! How what became invalid becomes so on every replica. Beneath `cache`, `compose` and `identity`.
//!
//! What a document is made of is written down as [`Tag`]s, and [`Invalidations`] remembers in which [`Generation`] a tag was
//! last purged. What is sent through the store is applied and acknowledged by every replica, so that whoever waits may say
//! that it holds everywhere: what writes make old, and sign-ins that have ended.

mod acks;
mod applied;
mod bus;
mod cells;
mod line;
mod message;
mod peers;
mod places;
mod presence;
mod purges;
mod receiver;
mod table;
mod tag;
mod topic;

use acks::{AckSender, Applied};
pub use bus::InvalidationBus;
pub use line::{Delivery, ENDING_ACK_TIMEOUT};
use peers::{ACK_TIMEOUT, Peers};
pub use table::{Generation, HashedTag, HashedUser, Invalidations, Validity};
pub use tag::Tag;
pub use topic::{EndedSessions, Topic};
