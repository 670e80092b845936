//! What a composition is made for, and in which time.

use std::time::Duration;

use bytestring::ByteString;
use schemas::Id;

use crate::compose::plan::ParamValue;

/// What a composition is made for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// By place in the plan; `None`: absent.
    pub params: &'a [Option<ParamValue>],
    pub user: Option<&'a AskingUser>,
    pub session: Option<&'a AskingSession>,
    pub compact: bool,
}

/// A signed-in caller.
#[derive(Debug, Clone)]
pub struct AskingUser {
    pub id: Id,
    pub username: Option<Box<str>>,
    pub display_name: Option<Box<str>>,
    /// A JSON object.
    pub card: Option<ByteString>,
}

/// A caller's session.
#[derive(Debug, Clone)]
pub struct AskingSession {
    pub id: Box<str>,
    pub client: Box<str>,
    pub address: Box<str>,
}

/// How long a composition may take, and how long what it is made of may be used.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    pub deadline: Duration,
    /// A kept part that is younger is as good as a call.
    pub fresh: Duration,
    /// One that is younger may stand in for a failed call.
    pub usable: Duration,
}
