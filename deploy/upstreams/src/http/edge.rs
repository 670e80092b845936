//! The edge of a service: every call passes it on the way in (request id, service token) and on the way
//! out (problems, headers).

use std::future::{Ready, ready};

use actix_web::{
    Error, FromRequest, HttpMessage, HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::header::{self, HeaderName, HeaderValue},
    middleware::Next,
    web::Data,
};
use schemas::Id;
use uuid::Uuid;

use super::failure::{Failure, framework_problem};
use crate::token::Verifier;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id in the path; anything that cannot be one: 422.
pub(crate) struct PathId(pub(crate) Id);

/// Runs around every route.
pub(crate) async fn edge(
    verifier: Data<Verifier>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let request_id = request_id(&request);
    let service = verifier.audience();
    // The health check is for whoever starts the service and has no token.
    if request.path() != "/healthz" {
        let mut presented = request.headers().get_all(header::AUTHORIZATION);
        let authorization = presented.next();
        let verified = match presented.next() {
            None => verifier.verify(authorization).await,
            Some(_) => Err(crate::token::TokenError::Malformed),
        };
        match verified {
            Ok(caller) => {
                request.extensions_mut().insert(caller);
            }
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, request.id = %request_id, "token refused");
                let refusal = Failure::Token(error).respond(service, &request_id);
                return Ok(finish(request.into_response(refusal), &request_id));
            }
        }
    }
    let (request, response) = next.call(request).await?.map_into_boxed_body().into_parts();
    let response = match response.error().map(|error| (error.as_error::<Failure>(), response.status())) {
        Some((Some(failure), _)) => {
            log(failure, &request_id);
            failure.respond(service, &request_id)
        }
        Some((None, status)) => framework_problem(status, &request_id),
        None => response,
    };
    tracing::debug!(
        http.method = %request.method(),
        http.path = request.path(),
        http.status = response.status().as_u16(),
        request.id = %request_id,
        "answered"
    );
    Ok(finish(ServiceResponse::new(request, response), &request_id))
}

/// Logged here and nowhere else. What a caller did wrong is the caller's to know, not ours to log.
fn log(failure: &Failure, request_id: &str) {
    if let Failure::Database(_) | Failure::Password(_) | Failure::Sealing(_) = failure {
        tracing::error!(error = failure as &dyn std::error::Error, request.id = request_id, "cannot answer");
    }
}

/// The caller's id for this request, if it is short and plain, or a new one.
fn request_id(request: &ServiceRequest) -> String {
    let given = request.headers().get(&REQUEST_ID).and_then(|value| value.to_str().ok());
    match given.and_then(|text| Id::new(text).ok()) {
        Some(id) => id.to_string(),
        None => Uuid::now_v7().to_string(),
    }
}

fn finish(mut response: ServiceResponse<BoxBody>, request_id: &str) -> ServiceResponse<BoxBody> {
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// `GET /healthz`: the service runs.
pub(crate) async fn health() -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).body("ok\n")
}

/// Where no route is.
pub(crate) async fn no_such_route() -> Result<HttpResponse, Failure> {
    Err(Failure::not_found("There is no such route."))
}

impl FromRequest for PathId {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = request.match_info().get("id").unwrap_or_default();
        ready(
            Id::new(text)
                .map(Self)
                .map_err(|invalid| Failure::field("id", "invalid_id", invalid.to_string())),
        )
    }
}
