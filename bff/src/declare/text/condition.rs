//! When a part is asked for: `user`, `user.id != id`, `user.id == id`.

use std::str::FromStr;

use super::{Placeholder, SyntaxError};
use crate::declare::mistake::quoted;

/// A condition as it is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::declare) enum ConditionText {
    SignedIn,
    /// For signed-in callers whose id is (or is not) the value.
    UserIs {
        value: Placeholder,
        equal: bool,
    },
}

impl FromStr for ConditionText {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let wrong = || SyntaxError::Condition(quoted(text));
        if text.trim() == "user" {
            return Ok(Self::SignedIn);
        }
        let sides = |operator| {
            text.split_once(operator).map(|(left, right): (&str, &str)| (left.trim(), right.trim()))
        };
        let (sides, equal) = match (sides("!="), sides("==")) {
            (Some(sides), None) => (sides, false),
            (None, Some(sides)) => (sides, true),
            _ => return Err(wrong()),
        };
        // Either side may be the user.
        let (("user.id", other) | (other, "user.id")) = sides else { return Err(wrong()) };
        let other = other.strip_prefix('{').and_then(|other| other.strip_suffix('}')).unwrap_or(other);
        match other.parse::<Placeholder>() {
            Ok(value) if !value.rest && value.head != "user" => Ok(Self::UserIs { value, equal }),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ConditionText;

    #[test]
    fn conditions_speak_of_the_user() {
        assert_eq!("user".parse(), Ok(ConditionText::SignedIn));
        for (text, expected) in
            [("user.id != id", false), ("user.id==order.customerId", true), ("{id} != user.id", false)]
        {
            match text.parse() {
                Ok(ConditionText::UserIs { equal, .. }) => assert_eq!(equal, expected, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        for wrong in [
            "",
            "users",
            "user.id",
            "user.id = id",
            "user.name != id",
            "user.id != user.id",
            "user.id != ",
            "a != b",
        ] {
            assert!(wrong.parse::<ConditionText>().is_err(), "{wrong}");
        }
    }
}
