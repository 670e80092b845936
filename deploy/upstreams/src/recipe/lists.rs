//! Lists of recipe cards: searched, by id, for me.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use rusqlite::{Row, ToSql, Transaction, named_params};
use schemas::{Id, Items, NumberedPage};
use url::Url;

use super::{CURRENCY, Recipes, search};
use crate::{
    db::{asset_url, id_at, rfc3339},
    http::{Acting, Caller, Failure, Query, ok},
    wire::RecipeCard,
};

const CARD: &str = "
    SELECT r.id, r.author_id, r.title, r.photo_key, r.servings, r.total_cost, r.cost_per_serving,
           r.like_count, r.comment_count, r.created_at,
           EXISTS (SELECT 1 FROM recipe_likes l WHERE l.recipe_seq = r.seq AND l.member_id = :me)
    FROM recipes r ";

#[derive(Clone, Copy)]
enum Sort {
    New,
    Popular,
}

/// What `GET /recipes` asks for.
struct Wanted {
    words: Option<String>,
    author: Option<Id>,
    page: u32,
    page_size: u32,
    sort: Sort,
}

/// `GET /recipes`: all, or those that have all words of `q` in title, body or ingredients, or an
/// author's. `page` is the place at the time of asking: rows added meanwhile move later pages.
pub(super) async fn list(
    state: Data<Recipes>,
    request: HttpRequest,
    caller: Caller,
) -> Result<HttpResponse, Failure> {
    let mut query = Query::of(&request);
    let wanted = Wanted {
        words: query.text("q", 200),
        author: query.id("authorId"),
        page: query.page(),
        page_size: query.limit("pageSize", 10),
        sort: query.choice("sort", &[("new", Sort::New), ("popular", Sort::Popular)]).unwrap_or(Sort::New),
    };
    query.done()?;
    let assets = state.assets.clone();
    let page =
        state.db.read(move |tx| read_page(tx, &wanted, caller.acting.as_ref(), assets.as_deref())).await?;
    Ok(ok(&request, &page))
}

/// `GET /recipes/cards?ids=`: in the order asked for; unknown ones are left out.
pub(super) async fn cards(
    state: Data<Recipes>,
    request: HttpRequest,
    caller: Caller,
) -> Result<HttpResponse, Failure> {
    let mut query = Query::of(&request);
    let ids = query.ids();
    query.done()?;
    let assets = state.assets.clone();
    let items =
        state.db.read(move |tx| read_cards(tx, &ids, caller.acting.as_ref(), assets.as_deref())).await?;
    Ok(ok(&request, &Items { items }))
}

/// `GET /recipes/for-me`: the newest, my own among them. A service that knows tastes would rank here.
pub(super) async fn for_me(
    state: Data<Recipes>,
    request: HttpRequest,
    Acting(me): Acting,
) -> Result<HttpResponse, Failure> {
    let mut query = Query::of(&request);
    let limit = query.limit("limit", 10);
    query.done()?;
    let assets = state.assets.clone();
    let items = state.db.read(move |tx| newest(tx, &me, limit, assets.as_deref())).await?;
    Ok(ok(&request, &Items { items }))
}

fn read_page(
    tx: &Transaction<'_>,
    wanted: &Wanted,
    me: Option<&Id>,
    assets: Option<&Url>,
) -> Result<NumberedPage<RecipeCard>, Failure> {
    let empty = NumberedPage { items: Vec::new(), page: wanted.page, page_size: wanted.page_size, total: 0 };
    let words = match wanted.words.as_deref().map(search::expression) {
        // Nothing but punctuation is in no recipe.
        Some(None) => return Ok(empty),
        Some(Some(expression)) => Some(expression),
        None => None,
    };
    let author = wanted.author.as_ref().map(Id::as_str);
    // Only the conditions that are there, so that SQLite can pick the index that fits them.
    let mut filter = Vec::new();
    let mut params: Vec<(&str, &dyn ToSql)> = Vec::new();
    if let Some(words) = &words {
        filter.push("r.seq IN (SELECT rowid FROM recipe_search WHERE recipe_search MATCH :words)");
        params.push((":words", words));
    }
    if let Some(author) = &author {
        filter.push("r.author_id = :author");
        params.push((":author", author));
    }
    let filter = if filter.is_empty() { "1".to_owned() } else { filter.join(" AND ") };
    let total = tx
        .prepare_cached(&format!("SELECT count(*) FROM recipes r WHERE {filter}"))?
        .query_row(params.as_slice(), |row| row.get(0))?;
    let order = match wanted.sort {
        Sort::New => "r.created_at DESC, r.id DESC",
        Sort::Popular => "r.like_count DESC, r.created_at DESC, r.id DESC",
    };
    let me = me.map(Id::as_str);
    let offset = i64::from(wanted.page - 1) * i64::from(wanted.page_size);
    params.extend([(":me", &me as &dyn ToSql), (":limit", &wanted.page_size), (":offset", &offset)]);
    let mut statement =
        tx.prepare_cached(&format!("{CARD} WHERE {filter} ORDER BY {order} LIMIT :limit OFFSET :offset"))?;
    let rows = statement.query_map(params.as_slice(), |row| card_of(row, assets))?;
    Ok(NumberedPage { items: rows.collect::<Result<_, _>>()?, total, ..empty })
}

fn read_cards(
    tx: &Transaction<'_>,
    ids: &[Id],
    me: Option<&Id>,
    assets: Option<&Url>,
) -> Result<Vec<RecipeCard>, Failure> {
    let mut statement = tx.prepare_cached(&format!("{CARD} WHERE r.id = :id"))?;
    let mut cards = Vec::with_capacity(ids.len());
    for id in ids {
        let params = named_params! { ":id": id.as_str(), ":me": me.map(Id::as_str) };
        let mut rows = statement.query_map(params, |row| card_of(row, assets))?;
        cards.extend(rows.next().transpose()?);
    }
    Ok(cards)
}

fn newest(
    tx: &Transaction<'_>,
    me: &Id,
    limit: u32,
    assets: Option<&Url>,
) -> Result<Vec<RecipeCard>, Failure> {
    let mut statement =
        tx.prepare_cached(&format!("{CARD} ORDER BY r.created_at DESC, r.id DESC LIMIT :limit"))?;
    let params = named_params! { ":me": me.as_str(), ":limit": limit };
    let rows = statement.query_map(params, |row| card_of(row, assets))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn card_of(row: &Row<'_>, assets: Option<&Url>) -> rusqlite::Result<RecipeCard> {
    Ok(RecipeCard {
        id: id_at(row, 0)?,
        author_id: id_at(row, 1)?,
        title: row.get(2)?,
        photo_url: asset_url(assets, row.get(3)?),
        servings: row.get(4)?,
        total_cost: row.get(5)?,
        cost_per_serving: row.get(6)?,
        currency: CURRENCY.to_owned(),
        like_count: row.get(7)?,
        comment_count: row.get(8)?,
        created_at: rfc3339(row.get(9)?),
        liked_by_me: row.get(10)?,
    })
}
