//! `/api/recipes`.

use actix_web::{HttpRequest, HttpResponse, web};
use schemas::{Recipe, RecipeInput};

use super::writing::{Api, Changes, created};
use crate::{
    cache::Tag,
    edge::{ApiError, JsonBody, SignedIn},
};

/// `POST /api/recipes`: 201 with the recipe and what it costs.
///
/// # Errors
/// 401, 403 `csrf_failed`, 422.
pub async fn create_recipe(
    request: HttpRequest,
    caller: SignedIn,
    input: JsonBody<RecipeInput>,
    api: web::Data<Api>,
) -> Result<HttpResponse, ApiError> {
    let me = caller.caller().user.clone();
    let recipe = api
        .write(
            &request,
            &caller,
            |clients, cx| async move { clients.recipe.create(&cx, &input.0).await },
            move |_: Option<&Recipe>| Changes {
                mine: vec![Tag::recipe_lists(), Tag::member(&me)],
                everybodys: Vec::new(),
            },
        )
        .await?;
    Ok(created(format!("/api/recipes/{}", recipe.id), &recipe))
}
