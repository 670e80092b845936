//! What the story looks like in each type of the contract.

use serde_json::{Value, json};

use super::{
    BODY, COMMENT, CSRF, Example, RECIPE, REFRESH, REQUEST_ID, SESSION, TITLE, ada, bora, card_of_ada,
    comment, id, member, on_a_screen, post, published, recipe, recipe_card, rice_and_eggs, time, value,
};
use crate::{
    Comment, CommentInput, CommentWithAuthor, Counts, Credentials, CsrfToken, HomeFeed, Id, Ingredient,
    IngredientAmount, Items, Key, KeySet, ListedSession, LiveCommand, LiveMessage, Me, MePage, MemberPage,
    MemberPatch, MySession, NumberedPage, Page, Post, PostInput, Problem, ProviderSignedIn, Recipe,
    RecipeCardWithAuthor, RecipeForm, RecipeInput, RecipePage, RecipeWithAuthor, RefreshRequest,
    RevokeRequest, SecondFactorCode, SessionInfo, SignInKind, SignInProvider, SignUp, SignedUp, TokenRequest,
    Tokens, TotpCode, TotpEnabled, TotpSetup,
};

impl Example for HomeFeed<'_> {
    fn example() -> Value {
        on_a_screen(|posts, recipes| {
            let profile = member();
            let (posts, recipes) = (Some(posts), Some(recipes));
            value(&HomeFeed { profile: &profile, posts, recipes, next_cursor: None, degraded: Vec::new() })
        })
    }
}

impl Example for RecipePage<'_> {
    fn example() -> Value {
        let (recipe, comment, ada, bora) = (recipe(), comment(), card_of_ada(), bora());
        value(&RecipePage {
            recipe: RecipeWithAuthor { recipe: &recipe, author: Some(&ada) },
            comments: Some(vec![CommentWithAuthor { comment: &comment, author: Some(&bora) }]),
            next_cursor: None,
            degraded: Vec::new(),
        })
    }
}

impl Example for MemberPage<'_> {
    fn example() -> Value {
        on_a_screen(|posts, recipes| {
            value(&MemberPage {
                profile: &member(),
                following: Some(true),
                posts: Some(posts),
                recipes: Some(recipes),
                next_cursor: None,
                degraded: Vec::new(),
            })
        })
    }
}

impl Example for MePage<'_> {
    fn example() -> Value {
        value(&MePage {
            profile: &ada(),
            session: MySession {
                id: SESSION.into(),
                client: "Firefox on Windows",
                address: "203.0.113.0/24",
            },
            counts: Some(&Counts { posts: 1, followers: 1, following: 0 }),
            degraded: Vec::new(),
        })
    }
}

impl<T: Example> Example for Items<T> {
    fn example() -> Value {
        json!({ "items": [T::example()] })
    }
}

impl<T: Example> Example for Page<T> {
    fn example() -> Value {
        value(&Page { items: vec![T::example()], next_cursor: None })
    }
}

impl<T: Example> Example for NumberedPage<T> {
    fn example() -> Value {
        value(&NumberedPage { items: vec![T::example()], page: 1, page_size: 10, total: 1 })
    }
}

/// Examples of types that need nothing to be held beside them.
macro_rules! examples {
    ($($of:ty => $example:expr;)+) => {
        $(impl Example for $of {
            fn example() -> Value {
                value(&$example)
            }
        })+
    };
}

examples! {
    RecipeCardWithAuthor<'_> => RecipeCardWithAuthor { card: &recipe_card(), author: Some(&card_of_ada()) };
    RecipeWithAuthor<'_> => RecipeWithAuthor { recipe: &recipe(), author: Some(&card_of_ada()) };
    CommentWithAuthor<'_> => CommentWithAuthor { comment: &comment(), author: Some(&bora()) };
    Comment => comment();
    Id => id(RECIPE);
    Post => post();
    Me => ada();
    Ingredient => { let [(rice, _), _] = rice_and_eggs(); rice };
    RecipeForm => {
        let Recipe { id, title, body, servings, ingredients, .. } = recipe();
        RecipeForm { id, title, body, servings, ingredients, photo_key: None }
    };
    RecipeInput => RecipeInput {
        title: TITLE.into(),
        body: BODY.into(),
        servings: 1,
        ingredients: rice_and_eggs()
            .map(|(bought, amount)| IngredientAmount { ingredient_id: bought.id, amount })
            .into(),
        photo_key: None,
    };
    CommentInput => CommentInput { body: comment().body.to_text() };
    PostInput => PostInput { text: post().text.to_text(), recipe_id: post().recipe_id };
    MemberPatch => MemberPatch { display_name: Some(ada().display_name), ..MemberPatch::default() };
    SignUp => SignUp { email: ada().email, username: "ada".into(), password: "correct horse battery".into() };
    SignedUp => SignedUp { user: ada() };
    Credentials => Credentials { login: "ada".into(), password: "correct horse battery".into(), otp: None };
    SessionInfo => SessionInfo {
        user: ada(),
        csrf_token: CSRF.into(),
        expires_at: time("2026-11-20T10:30:00Z"),
    };
    SecondFactorCode => SecondFactorCode { otp: "492039".into() };
    ProviderSignedIn => ProviderSignedIn {
        user: ada(),
        csrf_token: CSRF.into(),
        expires_at: time("2026-11-20T10:30:00Z"),
        return_to: "/recipes".into(),
    };
    CsrfToken => CsrfToken { csrf: CSRF.into() };
    ListedSession => ListedSession {
        id: SESSION.into(),
        kind: SignInKind::Browser,
        client: "Firefox on Windows".into(),
        address: "203.0.113.0/24".into(),
        created_at: published(),
        last_seen_at: time("2026-11-20T10:05:00Z"),
        current: true,
    };
    TokenRequest => TokenRequest {
        login: "ada".into(),
        password: "correct horse battery".into(),
        otp: None,
        refresh_cookie: false,
    };
    Tokens => Tokens {
        access_token: "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9.eyJhdWQiOiJiZmYifQ.c2lnbmF0dXJl".into(),
        token_type: "Bearer".into(),
        expires_in: 900,
        refresh_token: Some(REFRESH.into()),
    };
    RefreshRequest => RefreshRequest { refresh_token: Some(REFRESH.into()) };
    RevokeRequest => RevokeRequest { token: Some(REFRESH.into()), ..RevokeRequest::default() };
    TotpCode => TotpCode { code: "492039".into() };
    TotpSetup => TotpSetup {
        secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".into(),
        otpauth_uri: "otpauth://totp/Recipe%20book:ada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".into(),
        qr_svg: "<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>".into(),
    };
    TotpEnabled => TotpEnabled {
        recovery_codes: vec!["7k2m-9xq4-tz3c".into(), "h5wd-2rnp-8vby".into()],
        csrf_token: Some(CSRF.into()),
    };
    SignInProvider => SignInProvider {
        id: "kitchen".into(),
        name: "Kitchen ID".into(),
        login_path: "/auth/oidc/kitchen/login".into(),
    };
    LiveMessage => LiveMessage {
        id: Some("1763631900000-0".into()),
        kind: "comment.created".into(),
        topic: Some(format!("recipe:{RECIPE}")),
        data: serde_json::value::to_raw_value(&json!({ "id": COMMENT })).ok(),
    };
    LiveCommand => LiveCommand { subscribe: vec![format!("recipe:{RECIPE}")], ..LiveCommand::default() };
    KeySet => KeySet {
        keys: vec![Key {
            kty: "OKP".into(),
            crv: "Ed25519".into(),
            x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".into(),
            kid: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k".into(),
            usage: "sig".into(),
            alg: "EdDSA".into(),
        }],
    };
    Problem => Problem {
        kind: "/problems/not-found".into(),
        title: "Not found".into(),
        status: 404,
        detail: "There is nothing here by that name.".into(),
        code: "not_found".into(),
        request_id: REQUEST_ID.into(),
        errors: Vec::new(),
    };
}
