//! A screen in Rust: it adds prices up, which no declaration can say.

use actix_web::HttpRequest;
use bff::{
    cache::DocumentKey,
    clients::RawCall,
    compose::{Compact, ComposeError, Composed, Run, View},
    edge::{ApiError, Operation},
    invalidation::Tag,
    schemas::{DegradedPart, Example, Id},
    screens::{Screen, Upstream},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// `GET /bff/shelves/{id}/budget`: what the books of a shelf cost together. Open to everybody.
pub(crate) struct Budget;

/// What it answers.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BudgetDocument {
    /// In cents.
    total: u64,
    /// The title of the cheapest one.
    cheapest: Option<String>,
    /// Of the month; null where it cannot be had.
    limit: Option<u64>,
    degraded: Vec<DegradedPart>,
}

impl Example for BudgetDocument {
    fn example() -> Value {
        json!({ "total": 4200, "cheapest": "Emma", "limit": 5000, "degraded": [] })
    }
}

/// What the shelf says.
#[derive(Serialize, Deserialize)]
struct Books {
    items: Vec<Book>,
}

#[derive(Serialize, Deserialize)]
struct Book {
    title: String,
    price: u64,
}

#[derive(Serialize, Deserialize)]
struct Limit {
    limit: u64,
}

impl Screen for Budget {
    const NAME: &'static str = "budget";
    const ROUTE: &'static str = "/bff/shelves/{id}/budget";
    const COMPACT: Compact = Compact { without: &["cheapest"], at_most: &[] };
    const SUMMARY: &'static str = "What a shelf costs";

    type Document = BudgetDocument;
    type Viewer = Option<Id>;
    type Params = Id;

    fn params(request: &HttpRequest, _: View) -> Result<Id, ApiError> {
        let id = request.match_info().get("id").and_then(|text| Id::new(text).ok());
        id.ok_or(ApiError::NotFound)
    }

    fn describe_params(operation: Operation) -> Operation {
        operation.at_id("id", "The shelf.")
    }

    fn key(_: &Option<Id>, shelf: &Id, key: DocumentKey) -> DocumentKey {
        key.with(shelf.as_str().as_bytes())
    }

    async fn compose(run: Run, up: Upstream, _: Option<Id>, shelf: Id) -> Result<Composed, ComposeError> {
        let service = up.named("shelf")?;
        let tag = Tag::of("shelf", &shelf);
        let books = service.json::<Books>(&up.cx, RawCall::get("books", format!("/shelves/{shelf}/books")));
        let limit = service.json::<Limit>(&up.cx, RawCall::get("limit", format!("/shelves/{shelf}/limit")));
        let books = run.part("books").tag(tag.clone()).required(books);
        let limit = run.part("limit").tag(tag).optional(limit);
        let (books, limit) = futures_util::future::join(books, limit).await;
        let books = books?;
        let cheapest = books.items.iter().min_by_key(|book| book.price);
        let document = BudgetDocument {
            total: books.items.iter().map(|book| book.price).sum(),
            cheapest: cheapest.map(|book| book.title.clone()),
            limit: limit.map(|limit| limit.limit),
            degraded: run.degraded(),
        };
        run.finish(&document)
    }
}
