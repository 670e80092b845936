//! What leaving promises its callers.

use schemas::{AccountExport, DeleteAccount};
use utoipa::openapi::ResponseBuilder;

use super::{
    deletion::{FULL, delete_me},
    export::export_me,
};
use crate::{
    edge::{Access, AnswerHeader, ApiError, Contract, Operation, upstream_problems},
    store::StoreError,
};

/// Adds the operations by which a member leaves, with their handlers.
pub(in crate::auth) fn serve(contract: &mut Contract, group: &'static str) {
    let input = contract.input::<DeleteAccount>();
    contract.serve(
        Operation::delete("/api/me", "deleteMe")
            .is(group, Access::SignedIn, "Delete the account of the caller")
            .about(
                "Takes the password, and a code where the second factor is on. When it is answered, all sign-ins of the \
                 member have ended and nobody can sign in as them any more; what the services keep of them is deleted \
                 soon after, also if a service is away at the moment. It cannot be taken back.",
            )
            .takes(input)
            .answers_with(202, ResponseBuilder::new().description("It is recorded, and will be carried out."))
            .bears(202, [AnswerHeader::ClearSiteData.sometimes(), AnswerHeader::SetCookie.always()])
            .fails_with([
                ApiError::BadCredentials,
                ApiError::OtpRequired { wrong: false },
                ApiError::OtpRequired { wrong: true },
                ApiError::TooManyAttempts { retry_after_s: 1 },
                ApiError::Store(StoreError::Closed),
                ApiError::NotFound,
                FULL,
            ])
            .fails_with(upstream_problems()),
        delete_me,
    );
    let export = contract.shape::<AccountExport>();
    contract.serve(
        Operation::get("/api/me/export", "exportMe")
            .is(group, Access::SignedIn, "Take along all that the services keep of the caller")
            .about(
                "One JSON document, to be saved as a file, which is sent as it is gathered. A few times a day for each \
                 member. Where a service fails before anything is sent, the answer is an error; after that `incomplete`, \
                 the last member, says what ends early. A document without `incomplete` was cut off.",
            )
            .answers_shaped(200, "Everything.", export)
            .bears(200, [AnswerHeader::ContentDisposition.always()])
            .fails_with([
                ApiError::RateLimited { retry_after_s: 1 },
                ApiError::Store(StoreError::Closed),
                ApiError::NotFound,
            ])
            .fails_with(upstream_problems())
            .without_head(),
        export_me,
    );
}
