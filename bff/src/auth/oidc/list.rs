//! The list of providers.

use actix_web::{HttpRequest, HttpResponse, http::header::CACHE_CONTROL, web};
use schemas::{Items, SignInProvider};

use super::state::Oidc;
use crate::edge::{ApiError, accepts_json};

/// `GET /auth/oidc`: which providers there are, for the buttons of a sign-in page.
///
/// # Errors
/// 406.
pub(super) async fn list_oidc_providers(
    request: HttpRequest,
    oidc: web::Data<Oidc>,
) -> Result<HttpResponse, ApiError> {
    accepts_json(&request)?;
    let items = oidc.providers.values().map(|provider| SignInProvider {
        id: provider.name.clone(),
        name: provider.display_name.clone(),
        login_path: format!("/auth/oidc/{}/login", provider.name),
    });
    let list = Items { items: items.collect() };
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "public, max-age=60")).json(list))
}
