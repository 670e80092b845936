//! What callers see of a composition that failed.

use schemas::FieldError;

use crate::{cache::FillError, compose::ComposeError, edge::ApiError};

/// What callers see of a composition that failed.
pub(super) fn fill_error(error: FillError<ComposeError>) -> ApiError {
    match error {
        FillError::Refused(ComposeError::UnknownCursor) => ApiError::Invalid(vec![FieldError {
            field: "cursor".into(),
            code: "invalid".into(),
            message: "not a cursor of this list".into(),
        }]),
        FillError::Failed(error) | FillError::Refused(error) => ApiError::Compose(error),
        FillError::Lost => ApiError::Interrupted("a composition was lost"),
    }
}
