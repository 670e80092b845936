//! Wire types of the gateway itself: what its callers see whatever is declared, and what it agrees on with every
//! upstream (service tokens, accounts, events). What a product's own services answer is described by their contracts.
//!
//! Nothing in here does I/O. JSON is camelCase, times are RFC 3339 and ids are opaque strings.

mod account;
mod account_change;
mod auth;
mod degraded;
pub mod examples;
mod files;
mod id;
mod keys;
mod leaving;
mod live;
mod name;
mod page;
mod problem;
mod raw_text;
mod service_token;
mod time;

pub use account::{ByIdentity, Me};
pub use account_change::{
    EmailChange, EmailConfirmation, ForgottenPassword, PasswordChange, PasswordReminder, PasswordReset,
    ResetCheck, ResetOwner, TotpBegin, TotpStart,
};
pub use auth::{
    Credentials, CsrfToken, ListedSession, MySession, ProviderSignedIn, RefreshRequest, RevokeRequest,
    SecondFactorCode, SessionInfo, SignInKind, SignInProvider, SignUp, SignedUp, TokenRequest, Tokens,
    TotpCode, TotpConfirmed, TotpEnabled, TotpEnrolment, TotpSetup,
};
pub use degraded::{DegradedPart, PartStatus, Reason};
pub use examples::Example;
pub use files::{
    CommitUpload, CommittedFile, FileVisibility, PresignUpload, PresignedUpload, UploadPart, UploadState,
};
pub use id::{Id, InvalidId};
pub use keys::{Key, KeySet};
pub use leaving::{AccountExport, DeleteAccount, IncompleteExport};
pub use live::{Event, EventAccepted, LiveCommand, LiveMessage, Revalidation};
pub use name::{NameError, intern, intern_bounded};
pub use page::{Items, NumberedPage, Page};
pub use problem::{FieldError, Problem};
pub use raw_text::RawText;
pub use service_token::{Actor, ServiceClaims};
pub use time::Rfc3339;
