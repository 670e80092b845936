//! Who asks, and what was answered, as templates name them.

use std::borrow::Cow;

use bytestring::ByteString;
use schemas::Id;

use super::route::Route;
use crate::{
    compose::{
        engine::{Answers, Asked, AskingSession, AskingUser},
        params::Params,
        plan::UserField,
        scan::Capture,
    },
    identity::Caller,
};

/// Whoever sent a request, signed in or not.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    pub(super) caller: Option<Caller>,
    user: Option<AskingUser>,
    /// Only where the route names it: its id is a hash.
    session: Option<AskingSession>,
}

impl Asker {
    /// `card`: the fields of a profile that `user.card` is made of.
    pub(super) fn new(caller: Option<Caller>, route: &Route, card: &[Box<str>]) -> Self {
        let shows_card = route.add.iter().any(|added| added.value == UserField::Card);
        let user = caller.as_ref().map(|caller| {
            let profile = &caller.session.profile;
            AskingUser {
                id: caller.user.clone(),
                username: profile.username().map(Into::into),
                display_name: profile.display_name().map(Into::into),
                card: shows_card.then(|| ByteString::from(profile.card(card).get())),
            }
        });
        let session = caller.as_ref().filter(|_| route.names_session).map(|caller| AskingSession {
            id: caller.session.public_id().into(),
            client: caller.session.client.clone(),
            address: caller.session.address.clone(),
        });
        Self { caller, user, session }
    }

    pub(super) fn user(&self) -> Option<&Id> {
        self.caller.as_ref().map(|caller| &caller.user)
    }

    /// What is asked with `params`.
    pub(super) fn asked<'a>(&'a self, params: &'a Params) -> Asked<'a> {
        Asked { params, user: self.user.as_ref(), session: self.session.as_ref(), compact: false }
    }
}

/// What is known of an answer, so far as templates may name it.
#[derive(Debug, Default)]
pub(super) struct Answered {
    /// The first value at each path.
    pub(super) found: Vec<(Capture, Box<str>)>,
    /// The last segment of `Location`.
    pub(super) location: Option<Box<str>>,
    /// By place in the plan.
    pub(super) recalled: Vec<Option<Box<str>>>,
}

impl Answers for Answered {
    fn response(&self, capture: Capture) -> Option<Cow<'_, str>> {
        self.found.iter().find(|(known, _)| *known == capture).map(|(_, text)| Cow::Borrowed(&**text))
    }

    fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }

    fn recalled(&self, place: u16) -> Option<&str> {
        self.recalled.get(usize::from(place))?.as_deref()
    }
}
