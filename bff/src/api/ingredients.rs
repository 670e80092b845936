//! `/api/ingredients`.

use actix_web::HttpResponse;
use schemas::Items;

use super::{reading::Reader, refusals::refusal_of_list};
use crate::edge::ApiError;

/// `GET /api/ingredients?q=`: what can be bought, with its price. Open to callers who are not signed in.
///
/// # Errors
/// 406, 422.
pub async fn list_ingredients(reader: Reader) -> Result<HttpResponse, ApiError> {
    let mut query = reader.query();
    let wanted = query.search();
    query.done()?;
    let items =
        reader.clients().recipe.ingredients(&reader.cx, wanted.as_deref()).await.map_err(refusal_of_list)?;
    reader.answer(&Items { items })
}
