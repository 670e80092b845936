//! Failed sign-ins: how many an account, and how many an address, may have within a window. Asked before a password
//! or a code is tried, told afterwards how that went. The counts are in the store, so that replicas share them,
//! under keys that name nobody.
//!
//! Each of the two has two counts: what has *failed* in the window, and what is being *tried* at the moment. An
//! attempt is counted as tried before its password is looked at, so that guesses sent side by side are no way past
//! the limit, and given back afterwards, so that sign-ins side by side lock nobody out:
//!
//! ```text
//! begin:     name's tried + 1, then read whose name it is, then account's tried + 1, then read failed
//!            failed is at the limit -> refused until its window ends
//!            failed + tried is over it, by the account or by the name -> given back; tried again when one in flight
//!            was settled
//! of:        note whose name it is; member's tried + 1, then read failed, as at the beginning
//! failed:    failed + 1, then tried - 1 (in this order: whoever counts meanwhile sees it at least once)
//! succeeded: the account's failures are forgotten, tried - 1
//! undecided: tried - 1
//! ```
//!
//! An account is what the profile service says it is. A member has several names: user name, e-mail address, and whatever
//! spellings the service takes for the same. So an attempt is told, once its password was looked at, which member the
//! service has named ([`Attempt::of`]), and counts for that member from then on, together with all other names and with
//! one-time codes. Whose name it is is remembered, so that the next attempt counts for the member from its beginning. Until
//! the service has named somebody a name counts for itself.
//!
//! All attempts by one name hold a place of that name from before they learn whose it is until they are settled. So no more
//! than may fail reach the service by one name, also while it is being found out whose name that is.
//!
//! Nothing here tells whether an account exists: known and unknown ones go the same way, and ask the store for the same.
//! Where there is no member, a count that is nobody's takes the place of the member's.

mod attempt;
mod change;
mod changes;
mod counts;
mod error;
mod keyed_semaphore;
mod policy;
mod subject;
#[cfg(test)]
mod tests;

pub use attempt::{Attempt, SignInThrottle};
pub use error::{ThrottleError, ThrottledBy};
pub use policy::ThrottlePolicy;
pub use subject::Subject;
