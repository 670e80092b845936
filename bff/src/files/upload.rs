//! The handlers of uploads.

use std::time::{Duration, Instant};

use actix_web::{HttpRequest, HttpResponse, http::header::CONTENT_LENGTH, web};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use schemas::{CommitUpload, PresignUpload};
use serde::Deserialize;

use super::{
    error::FilesError, folder::PartFault, key::FileKey, signature::Signed, storage::StorageError,
    uploads::Files,
};
use crate::{
    edge::{ApiError, FieldErrors, JsonBody, SignedIn, Validate, accepts_json},
    telemetry::unix_ms,
};

/// Rules that depend on settings are checked where those are.
impl Validate for PresignUpload {
    fn validate(&self, _: &mut FieldErrors) {}
}

impl Validate for CommitUpload {
    fn validate(&self, errors: &mut FieldErrors) {
        errors.length("key", &self.key, 1, 128);
    }
}

/// `POST /files/upload/presign`.
///
/// # Errors
/// 401, 403 `csrf_failed`, 422, 429 `upload_limit`, 503, 507.
pub(super) async fn presign(
    caller: SignedIn,
    JsonBody(asked): JsonBody<PresignUpload>,
    files: web::Data<Files>,
) -> Result<HttpResponse, ApiError> {
    let begun = Instant::now();
    let presigned = files.presign(caller.caller().user.as_str(), asked).await;
    files.observe("presign", begun, presigned.as_ref().err());
    // Signed URLs are for the caller alone: what says nothing of caches is `no-store`.
    Ok(HttpResponse::Created().json(presigned?))
}

/// `GET /files/upload/{key}`.
///
/// # Errors
/// 401, 404, 406, 503.
pub(super) async fn state(
    request: HttpRequest,
    key: web::Path<String>,
    caller: SignedIn,
    files: web::Data<Files>,
) -> Result<HttpResponse, ApiError> {
    accepts_json(&request)?;
    let begun = Instant::now();
    let key = FileKey::parse(&key).ok_or(ApiError::NotFound)?;
    let state = files.state(caller.caller().user.as_str(), &key).await;
    files.observe("state", begun, state.as_ref().err());
    Ok(HttpResponse::Ok().json(state?))
}

/// `POST /files/upload/commit`.
///
/// # Errors
/// 401, 403 `csrf_failed`, 404, 409 `incomplete`, 422, 503, 507.
pub(super) async fn commit(
    caller: SignedIn,
    JsonBody(asked): JsonBody<CommitUpload>,
    files: web::Data<Files>,
) -> Result<HttpResponse, ApiError> {
    let begun = Instant::now();
    let key = FileKey::parse(&asked.key).ok_or(ApiError::NotFound)?;
    let committed = files.commit(caller.caller().user.as_str(), &key).await;
    files.observe("commit", begun, committed.as_ref().err());
    Ok(HttpResponse::Created().json(committed?))
}

/// `DELETE /files/{key}`.
///
/// # Errors
/// 401, 403, 404, 503.
pub(super) async fn delete(
    key: web::Path<String>,
    caller: SignedIn,
    files: web::Data<Files>,
) -> Result<HttpResponse, ApiError> {
    let begun = Instant::now();
    let key = FileKey::parse(&key).ok_or(ApiError::NotFound)?;
    let deleted = files.delete(caller.caller().user.as_str(), &key).await;
    files.observe("delete", begun, deleted.as_ref().err());
    deleted?;
    Ok(HttpResponse::NoContent().finish())
}

/// What a part's URL says.
#[derive(Deserialize)]
struct Query {
    expires: u64,
    size: u64,
    signature: String,
}

/// `PUT /files/upload/{key}/parts/{number}`: a part, straight to the disk. The signature alone decides, as where the storage
/// takes it itself.
///
/// # Errors
/// 403, 404, 408, 413, 422 `part_too_short`, 503, 507.
pub(super) async fn put_part(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    payload: web::Payload,
    files: web::Data<Files>,
) -> Result<HttpResponse, ApiError> {
    let begun = Instant::now();
    let taken = take_part(&request, &path, payload, &files).await;
    let fault = match &taken {
        Err(Refused::Files(error)) => Some(error),
        _ => None,
    };
    files.observe("part", begun, fault);
    match taken {
        Ok(()) => Ok(HttpResponse::NoContent().finish()),
        Err(Refused::Files(error)) => Err(error.into()),
        Err(Refused::Edge(error)) => Err(error),
    }
}

enum Refused {
    Files(FilesError),
    Edge(ApiError),
}

impl From<FilesError> for Refused {
    fn from(error: FilesError) -> Self {
        Self::Files(error)
    }
}

async fn take_part(
    request: &HttpRequest,
    path: &(String, String),
    payload: web::Payload,
    files: &Files,
) -> Result<(), Refused> {
    let folder = files.0.folder.as_ref().ok_or(FilesError::NotFound)?;
    let key = FileKey::parse(&path.0).ok_or(FilesError::NotFound)?;
    let number: u16 = path.1.parse().map_err(|_| FilesError::NotFound)?;
    let query = web::Query::<Query>::from_query(request.query_string());
    let Query { expires, size, signature } = query.map_err(|_| FilesError::Signature)?.into_inner();
    files.0.signer.verify(&key, number, size, &Signed { expires, signature }, unix_ms() / 1000)?;
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    match announced.and_then(|length| length.parse::<u64>().ok()) {
        Some(length) if length > size => return Err(FilesError::PartTooLong.into()),
        Some(length) if length < size => return Err(FilesError::PartTooShort.into()),
        _ => {}
    }
    let seen = std::cell::Cell::new(0_u64);
    let body = patient(payload, files.0.settings.idle);
    let body = body.inspect(|piece| {
        if let Ok(piece) = piece {
            seen.set(seen.get() + piece.len() as u64);
        }
    });
    let written = folder.write_part(&key, number, size, body).await;
    files.0.metrics.file_bytes("in", seen.get());
    written.map_err(|fault| match fault {
        PartFault::Gone => FilesError::NotFound.into(),
        PartFault::Length if seen.get() > size => FilesError::PartTooLong.into(),
        PartFault::Length => FilesError::PartTooShort.into(),
        PartFault::Storage(error) => FilesError::from(error).into(),
        PartFault::Body(BodyFault::Silent) => Refused::Edge(ApiError::BodyTimeout),
        PartFault::Body(BodyFault::Lost) => Refused::Edge(ApiError::BadRequest),
    })
}

enum BodyFault {
    /// Nothing came for too long.
    Silent,
    /// The connection ended, or what came is no body.
    Lost,
}

/// The body, as long as something of it comes from time to time.
fn patient(payload: web::Payload, idle: Duration) -> impl Stream<Item = Result<Bytes, BodyFault>> {
    stream::unfold(Some(payload), move |payload| async move {
        let mut payload = payload?;
        match tokio::time::timeout(idle, payload.next()).await {
            Ok(Some(Ok(piece))) => Some((Ok(piece), Some(payload))),
            Ok(Some(Err(_))) => Some((Err(BodyFault::Lost), None)),
            Ok(None) => None,
            Err(_) => Some((Err(BodyFault::Silent), None)),
        }
    })
}

impl Files {
    /// Tells the metrics how `operation` ended.
    pub(super) fn observe(&self, operation: &'static str, begun: Instant, error: Option<&FilesError>) {
        let outcome = error.map_or("ok", FilesError::outcome);
        self.0.metrics.file_operation(operation, outcome, begun.elapsed());
        // A storage that refuses is the operator's to mend; callers learn no more than that it fails.
        if let Some(FilesError::Storage(StorageError::Refused { status, code })) = error {
            tracing::error!(storage.status = status, storage.code = code, operation, "the storage refuses");
        }
    }
}
