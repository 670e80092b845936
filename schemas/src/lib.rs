//! Wire types: what the upstream services serve and what front-ends receive.
//!
//! Nothing in here does I/O. JSON is camelCase, times are RFC 3339, ids are opaque strings and money is
//! an integer in the currency's minor unit.

mod amount;
mod auth;
mod comment;
mod home_feed;
mod id;
mod keys;
mod live;
mod member;
mod name;
mod page;
mod post;
mod problem;
mod raw_text;
mod recipe;
mod screens;
mod service_token;
pub mod story;
mod time;

pub use amount::{Amount, AmountError, cost, cost_per_serving};
pub use auth::{
    Credentials, CsrfToken, ListedSession, ProviderSignedIn, RefreshRequest, RevokeRequest, SecondFactorCode,
    SessionInfo, SignInKind, SignInProvider, SignUp, SignedUp, TokenRequest, Tokens, TotpCode, TotpConfirmed,
    TotpEnabled, TotpEnrolment, TotpSetup,
};
pub use comment::{Comment, CommentInput};
pub use home_feed::{DegradedPart, FeedPost, HomeFeed, PartStatus, Reason, RecipeCardWithAuthor};
pub use id::{Id, InvalidId};
pub use keys::{Key, KeySet};
pub use live::{Event, EventAccepted, LiveCommand, LiveMessage, Revalidation};
pub use member::{ByIdentity, Counts, Following, Me, Member, MemberCard, MemberPatch};
pub use name::{NameError, intern, intern_bounded};
pub use page::{Items, NumberedPage, Page};
pub use post::{Post, PostInput};
pub use problem::{FieldError, Problem};
pub use raw_text::RawText;
pub use recipe::{
    Ingredient, IngredientAmount, Recipe, RecipeCard, RecipeForm, RecipeIngredient, RecipeInput,
};
pub use screens::{CommentWithAuthor, MePage, MemberPage, MySession, RecipePage, RecipeWithAuthor};
pub use service_token::{Actor, ServiceClaims};
pub use story::Example;
pub use time::Rfc3339;
