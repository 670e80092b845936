//! `/auth`: who a caller is, and where they are signed in; and the keys that verify the gateway's tokens. A browser gets a
//! session and its cookie, an app tokens; both stand in one registry, and what ends there ends everywhere. Between `edge` and
//! the upstream that keeps accounts.

mod account_contract;
mod answer;
mod call_context;
mod contract;
mod cookies;
mod create;
mod email;
mod input;
mod jwks;
mod languages;
mod leaving;
mod mutation;
mod oidc;
mod other_sign_ins;
mod password;
mod planned_ending;
mod refusals;
mod second_factor;
mod sessions;
mod sign_in;
mod sign_in_context;
mod sign_out;
mod state;
mod tokens;

pub use contract::serve;
pub use jwks::Jwks;
pub use leaving::{
    DELETE_MEMBER, DeletionStep, Departed, ExportLimit, MemberCalls, MemberDeletion, MemberDeletionParts,
    StepError,
};
pub use oidc::{Oidc, OidcParts, Provider};
pub use planned_ending::EndSignIns;
pub use state::{AccountsSource, Api, ApiParts};
