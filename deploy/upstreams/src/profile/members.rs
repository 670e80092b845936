//! Members as others see them, and as they see themselves.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use rusqlite::{OptionalExtension, Row, Transaction, named_params};
use schemas::{Id, Items, Me, RawText};
use url::Url;

use super::Profile;
use crate::{
    db::{asset_url, id_at, rfc3339},
    http::{Acting, Caller, Checks, Failure, Json, PathId, Query, ok},
    wire::{Member, MemberCard, MemberPatch},
};

pub(super) const NO_MEMBER: Failure = Failure::not_found("There is no such member.");

/// `GET /members/{id}`.
pub(super) async fn one(
    state: Data<Profile>,
    request: HttpRequest,
    _: Caller,
    PathId(id): PathId,
) -> Result<HttpResponse, Failure> {
    let me = load(&state, id).await?;
    Ok(ok(&request, &public(me)))
}

/// `GET /members?ids=`.
pub(super) async fn cards(
    state: Data<Profile>,
    request: HttpRequest,
    _: Caller,
) -> Result<HttpResponse, Failure> {
    let mut query = Query::of(&request);
    let ids = query.ids();
    query.done()?;
    let assets = state.assets.clone();
    let items = state.db.read(move |tx| read_cards(tx, &ids, assets.as_deref())).await?;
    Ok(ok(&request, &Items { items }))
}

/// `GET /members/me`.
pub(super) async fn me(
    state: Data<Profile>,
    request: HttpRequest,
    Acting(id): Acting,
) -> Result<HttpResponse, Failure> {
    let me = load(&state, id).await?;
    Ok(ok(&request, &me))
}

/// `PATCH /members/me`.
pub(super) async fn patch_me(
    state: Data<Profile>,
    request: HttpRequest,
    Acting(id): Acting,
    Json(patch): Json<MemberPatch>,
) -> Result<HttpResponse, Failure> {
    let mut checks = Checks::default();
    if let Some(name) = &patch.display_name {
        checks.text("displayName", name, 1, 80);
    }
    if let Some(bio) = &patch.bio {
        checks.text("bio", bio, 0, 1000);
    }
    if let Some(Some(key)) = &patch.avatar_key {
        checks.file_key("avatarKey", key);
    }
    checks.done()?;
    let assets = state.assets.clone();
    let me = state.db.write(move |tx| patch_row(tx, &id, &patch, assets.as_deref())).await?;
    Ok(ok(&request, &me))
}

/// The member of that id; 404 without.
pub(super) async fn load(state: &Profile, id: Id) -> Result<Me, Failure> {
    let assets = state.assets.clone();
    state.db.read(move |tx| read(tx, id.as_str(), assets.as_deref())).await
}

pub(super) fn read(tx: &Transaction<'_>, id: &str, assets: Option<&Url>) -> Result<Me, Failure> {
    let mut statement = tx.prepare_cached(
        "SELECT id, username, display_name, avatar_key, bio, created_at, email, totp_enabled,
                email_confirmed_at IS NOT NULL
         FROM members WHERE id = ?",
    )?;
    statement.query_row([id], |row| me_of(row, assets)).optional()?.ok_or(NO_MEMBER)
}

fn read_cards(tx: &Transaction<'_>, ids: &[Id], assets: Option<&Url>) -> Result<Vec<MemberCard>, Failure> {
    let mut statement =
        tx.prepare_cached("SELECT id, username, display_name, avatar_key FROM members WHERE id = ?")?;
    let mut cards = Vec::with_capacity(ids.len());
    for id in ids {
        let card = statement.query_row([id.as_str()], |row| {
            Ok(MemberCard {
                id: id_at(row, 0)?,
                username: row.get(1)?,
                display_name: row.get(2)?,
                avatar_url: asset_url(assets, row.get(3)?),
            })
        });
        cards.extend(card.optional()?);
    }
    Ok(cards)
}

fn patch_row(
    tx: &Transaction<'_>,
    id: &Id,
    patch: &MemberPatch,
    assets: Option<&Url>,
) -> Result<Me, Failure> {
    // An empty biography is none.
    tx.prepare_cached(
        "UPDATE members SET display_name = coalesce(:name, display_name),
                            bio = CASE WHEN :bio IS NULL THEN bio ELSE nullif(:bio, '') END,
                            avatar_key = iif(:avatar_given, :avatar, avatar_key)
         WHERE id = :id",
    )?
    .execute(named_params! {
        ":name": patch.display_name, ":bio": patch.bio, ":avatar": patch.avatar_key.as_ref().and_then(Option::as_deref),
        ":avatar_given": patch.avatar_key.is_some(), ":id": id.as_str(),
    })?;
    read(tx, id.as_str(), assets)
}

fn me_of(row: &Row<'_>, assets: Option<&Url>) -> rusqlite::Result<Me> {
    let bio: Option<String> = row.get(4)?;
    // Whoever came through an OpenID provider may have no address.
    let email: Option<String> = row.get(6)?;
    Ok(Me {
        id: id_at(row, 0)?,
        username: row.get(1)?,
        display_name: row.get(2)?,
        avatar_url: asset_url(assets, row.get(3)?),
        bio: bio.as_deref().map(RawText::new),
        created_at: rfc3339(row.get(5)?),
        email: email.unwrap_or_default(),
        totp_enabled: row.get(7)?,
        email_confirmed: Some(row.get(8)?),
    })
}

fn public(me: Me) -> Member {
    Member {
        id: me.id,
        username: me.username,
        display_name: me.display_name,
        avatar_url: me.avatar_url,
        bio: me.bio,
        created_at: me.created_at,
    }
}
