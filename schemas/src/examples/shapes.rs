//! What each type of the contract looks like.

use serde_json::{Value, json};

use super::{CSRF, Example, FILE, MAILED, ORDER, REFRESH, REQUEST_ID, SESSION, ada, id, time, value};
use crate::{
    AccountExport, CommitUpload, CommittedFile, Credentials, CsrfToken, DeleteAccount, EmailChange,
    EmailConfirmation, ForgottenPassword, Id, Items, Key, KeySet, ListedSession, LiveCommand, LiveMessage,
    Me, NumberedPage, Page, PasswordChange, PasswordReminder, PasswordReset, PresignUpload, PresignedUpload,
    Problem, ProviderSignedIn, RefreshRequest, ResetCheck, ResetOwner, RevokeRequest, SecondFactorCode,
    SessionInfo, SignInKind, SignInProvider, SignUp, SignedUp, TokenRequest, Tokens, TotpBegin, TotpCode,
    TotpEnabled, TotpSetup, TotpStart, UploadPart, UploadState,
};

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
    PresignUpload => PresignUpload {
        name: "김치찌개.jpg".into(),
        content_type: "image/jpeg".into(),
        size: 6_291_456,
        checksum: None,
        visibility: None,
    };
    PresignedUpload => PresignedUpload { key: FILE.into(), parts: vec![part()], expires_in: 3600 };
    UploadState => UploadState { parts: Vec::new(), committed: false, missing: vec![part()], expires_in: 3600 };
    CommitUpload => CommitUpload { key: FILE.into() };
    CommittedFile => CommittedFile {
        key: FILE.into(),
        url: format!("/files/{FILE}"),
        content_type: "image/jpeg".into(),
        size: 6_291_456,
    };
    Id => id(ORDER);
    Me => ada();
    SignUp => SignUp { email: ada().email, username: "ada".into(), password: "correct horse battery".into() };
    SignedUp => SignedUp { user: ada() };
    Credentials => Credentials { login: "ada".into(), password: "correct horse battery".into(), otp: None };
    SessionInfo => SessionInfo {
        user: ada(),
        csrf_token: CSRF.into(),
        expires_at: time("2026-11-20T10:30:00Z"),
    };
    DeleteAccount => DeleteAccount { password: "correct horse battery".into(), otp: None };
    AccountExport => AccountExport {
        member: ada().id,
        exported_at: time("2026-11-20T09:30:00Z"),
        data: [("posts".to_owned(), vec![json!({ "kind": "post", "id": "p1" })])].into(),
        incomplete: Vec::new(),
    };
    SecondFactorCode => SecondFactorCode { otp: "492039".into() };
    ProviderSignedIn => ProviderSignedIn {
        user: ada(),
        csrf_token: CSRF.into(),
        expires_at: time("2026-11-20T10:30:00Z"),
        return_to: "/orders".into(),
    };
    CsrfToken => CsrfToken { csrf: CSRF.into() };
    ListedSession => ListedSession {
        id: SESSION.into(),
        kind: SignInKind::Browser,
        client: "Firefox on Windows".into(),
        address: "203.0.113.0/24".into(),
        created_at: time("2026-11-20T09:30:00Z"),
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
    PasswordChange => PasswordChange {
        current: "correct horse battery".into(),
        new: "a rice cooker sings at noon".into(),
    };
    ForgottenPassword => ForgottenPassword { email: ada().email };
    PasswordReminder => PasswordReminder { email: ada().email, locale: Some("ko".into()) };
    PasswordReset => PasswordReset { token: MAILED.into(), new: "a rice cooker sings at noon".into() };
    ResetCheck => ResetCheck { token: MAILED.into() };
    ResetOwner => ResetOwner { id: ada().id };
    EmailChange => EmailChange {
        email: "ada.lee@example.org".into(),
        password: "correct horse battery".into(),
    };
    EmailConfirmation => EmailConfirmation { token: MAILED.into() };
    TotpStart => TotpStart { password: Some("correct horse battery".into()), end_others: false };
    TotpBegin => TotpBegin { password: Some("correct horse battery".into()) };
    TotpSetup => TotpSetup {
        secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".into(),
        otpauth_uri: "otpauth://totp/Example:ada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".into(),
        qr_svg: "<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>".into(),
    };
    TotpEnabled => TotpEnabled {
        recovery_codes: vec!["7k2m-9xq4-tz3c".into(), "h5wd-2rnp-8vby".into()],
        csrf_token: Some(CSRF.into()),
    };
    SignInProvider => SignInProvider {
        id: "company".into(),
        name: "Company ID".into(),
        login_path: "/auth/oidc/company/login".into(),
    };
    LiveMessage => LiveMessage {
        id: Some("1763631900000-0".into()),
        kind: "order.changed".into(),
        topic: Some(format!("order:{ORDER}")),
        data: serde_json::value::to_raw_value(&json!({ "id": ORDER })).ok(),
    };
    LiveCommand => LiveCommand { subscribe: vec![format!("order:{ORDER}")], ..LiveCommand::default() };
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

fn part() -> UploadPart {
    UploadPart {
        number: 1,
        url: format!("/files/upload/{FILE}/parts/1?expires=1767225600&signature=5f0c2c1e"),
        method: "PUT".into(),
        headers: std::collections::BTreeMap::new(),
        from: 0,
        to: 6_291_456,
    }
}
