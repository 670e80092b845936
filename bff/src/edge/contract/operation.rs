//! One operation: a method on a path.

use std::borrow::Cow;

use utoipa::openapi::{
    ContentBuilder, HttpMethod, Ref, RefOr, Required, Response, ResponseBuilder, Responses, Schema,
    link::LinkBuilder,
    path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
    request_body::{RequestBody, RequestBodyBuilder},
    schema::{Object, SchemaType},
};

use super::{
    access::{self, Access},
    document::{Contract, json_content},
    endpoint::{self, Answering, Endpoint},
    headers::{self, AnswerHeader, Borne},
    problems::{self, Problems},
    shapes::{any_text, text_matching},
};
use crate::{edge::ApiError, store::StoreError};

/// A method on a path, as it is being described. The words are in Markdown.
#[must_use = "nothing is described until it is added"]
pub struct Operation {
    method: HttpMethod,
    path: Cow<'static, str>,
    id: Cow<'static, str>,
    tag: Cow<'static, str>,
    access: Access,
    summary: Cow<'static, str>,
    about: Option<String>,
    parameters: Vec<Parameter>,
    body: Option<Body>,
    /// Media types of a body that goes through as it comes.
    bytes: Vec<String>,
    answers: Vec<(u16, Response)>,
    /// Headers of answers and refusals, by their status.
    headers: Vec<(u16, Borne)>,
    problems: Problems,
    /// It reads nothing, so nobody has to say what they accept.
    bare: bool,
    /// The rate limits pass it by.
    rate_limit_exempt: bool,
    /// The answer is the same for every caller.
    caller_independent: bool,
    /// A GET that does not answer HEAD.
    without_head: bool,
    pages: bool,
    idempotent: bool,
}

struct Body {
    shape: Ref,
    required: bool,
    media_type: Cow<'static, str>,
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

impl Operation {
    /// A method on a path, under the name `id`.
    pub fn new(
        method: HttpMethod,
        path: impl Into<Cow<'static, str>>,
        id: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            method,
            path: path.into(),
            id: id.into(),
            tag: "".into(),
            access: Access::Public,
            summary: "".into(),
            about: None,
            parameters: Vec::new(),
            body: None,
            bytes: Vec::new(),
            answers: Vec::new(),
            headers: Vec::new(),
            problems: Problems::default(),
            bare: false,
            rate_limit_exempt: false,
            caller_independent: false,
            without_head: false,
            pages: false,
            idempotent: false,
        }
    }

    /// `GET`.
    pub fn get(path: &'static str, id: &'static str) -> Self {
        Self::new(HttpMethod::Get, path, id)
    }

    /// `POST`.
    pub fn post(path: &'static str, id: &'static str) -> Self {
        Self::new(HttpMethod::Post, path, id)
    }

    /// `PUT`.
    pub fn put(path: &'static str, id: &'static str) -> Self {
        Self::new(HttpMethod::Put, path, id)
    }

    /// `PATCH`.
    pub fn patch(path: &'static str, id: &'static str) -> Self {
        Self::new(HttpMethod::Patch, path, id)
    }

    /// `DELETE`.
    pub fn delete(path: &'static str, id: &'static str) -> Self {
        Self::new(HttpMethod::Delete, path, id)
    }

    /// Its group, who may call, and what it does in one line.
    pub fn is(
        mut self,
        tag: impl Into<Cow<'static, str>>,
        access: Access,
        summary: impl Into<Cow<'static, str>>,
    ) -> Self {
        (self.tag, self.access, self.summary) = (tag.into(), access, summary.into());
        self
    }

    /// More about it.
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.about = Some(about.into());
        self
    }

    /// A parameter in the path. What cannot be one names nothing: 404.
    pub fn at(mut self, name: &str, shape: impl Into<RefOr<Schema>>, about: &str) -> Self {
        self.parameters.push(parameter(ParameterIn::Path, name, shape.into(), about, Required::True));
        self.fails(ApiError::NotFound)
    }

    /// A parameter in the query that may be left out. What it cannot be is 422.
    pub fn query(self, name: &str, shape: impl Into<RefOr<Schema>>, about: &str) -> Self {
        self.asks(name, shape, about).fails(ApiError::Invalid(Vec::new()))
    }

    /// The same with refusals of its own.
    pub fn asks(mut self, name: &str, shape: impl Into<RefOr<Schema>>, about: &str) -> Self {
        self.parameters.push(parameter(ParameterIn::Query, name, shape.into(), about, Required::False));
        self
    }

    /// A request header that may be left out.
    pub fn header(mut self, name: &str, shape: impl Into<RefOr<Schema>>, about: &str) -> Self {
        self.parameters.push(parameter(ParameterIn::Header, name, shape.into(), about, Required::False));
        self
    }

    /// An id in the path.
    pub fn at_id(self, name: &str, about: &str) -> Self {
        self.at(name, Ref::from_schema_name("Id"), about)
    }

    /// It takes JSON of this shape.
    pub fn takes(self, shape: Ref) -> Self {
        self.takes_typed(shape, JSON, true)
    }

    /// It takes JSON of this shape under a media type of its own.
    pub fn takes_typed(
        mut self,
        shape: Ref,
        media_type: impl Into<Cow<'static, str>>,
        required: bool,
    ) -> Self {
        self.body = Some(Body { shape, required, media_type: media_type.into() });
        self
    }

    /// It takes bytes of any of these media types, and does not look into them.
    pub fn takes_bytes(mut self, media_types: impl IntoIterator<Item = String>) -> Self {
        self.bytes.extend(media_types);
        self
    }

    /// The same, and the body may be left out.
    pub fn may_take(self, shape: Ref) -> Self {
        self.takes_typed(shape, JSON, false)
    }

    /// It takes a form, and refuses what is none in its own way.
    pub fn takes_form(self, shape: Ref) -> Self {
        self.takes_typed(shape, FORM, true)
    }

    /// It honours `Idempotency-Key`.
    pub fn once(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// It answers with JSON of a shape that was added.
    pub fn answers_shaped(mut self, status: u16, about: &str, shape: Ref) -> Self {
        let response = ResponseBuilder::new().description(about);
        self.answers.push((status, response.content(JSON, json_content(shape)).build()));
        self
    }

    /// It answers with something that is not JSON, or with nothing.
    pub fn answers_with(mut self, status: u16, response: ResponseBuilder) -> Self {
        self.answers.push((status, response.build()));
        self
    }

    /// Answers and refusals with that status bear these headers, besides those that all bear.
    pub fn bears<const N: usize>(mut self, status: u16, headers: [Borne; N]) -> Self {
        self.headers.extend(headers.map(|header| (status, header)));
        self
    }

    /// The value at `pointer` (RFC 6901) in the answer that was added last is the parameter `name` of these operations.
    pub fn leads_to<'o>(
        mut self,
        pointer: &str,
        name: &str,
        operations: impl IntoIterator<Item = &'o str>,
    ) -> Self {
        if let Some((_, answer)) = self.answers.last_mut() {
            for operation in operations {
                let link = LinkBuilder::new()
                    .operation_id(operation.to_owned())
                    .parameter(name.to_owned(), format!("$response.body#{pointer}"))
                    .build();
                answer.links.insert(operation.to_owned(), RefOr::T(link));
            }
        }
        self
    }

    /// It answers 204 and nothing.
    pub fn answers_nothing(mut self, about: &str) -> Self {
        self.bare = self.body.is_none();
        self.answers_with(204, ResponseBuilder::new().description(about))
    }

    /// Nobody has to say what they accept.
    pub fn whatever_is_accepted(mut self) -> Self {
        self.bare = true;
        self
    }

    /// The rate limits pass it by, so that its answers tell none.
    pub fn rate_limit_exempt(mut self) -> Self {
        self.rate_limit_exempt = true;
        self
    }

    /// Its answer is the same for every caller: the identity stage passes it by.
    pub fn caller_independent(mut self) -> Self {
        self.caller_independent = true;
        self
    }

    /// It does not answer HEAD: a look ahead must not use up what it does.
    pub fn without_head(mut self) -> Self {
        self.without_head = true;
        self
    }

    /// The same with what answers it.
    pub(super) fn endpoint(&self, answering: Answering) -> Endpoint {
        Endpoint {
            method: endpoint::method(&self.method),
            path: self.path.clone(),
            head: matches!(self.method, HttpMethod::Get) && !self.without_head,
            rate_limit_exempt: self.rate_limit_exempt,
            caller_independent: self.caller_independent,
            answering,
        }
    }

    /// People come here: a browser that loads a page is told as a page what went wrong.
    pub fn tells_people(mut self) -> Self {
        self.pages = true;
        self
    }

    /// It may end like this.
    pub fn fails(mut self, error: ApiError) -> Self {
        self.problems.add(&error);
        self
    }

    /// It may end like each of these.
    pub fn fails_with(self, errors: impl IntoIterator<Item = ApiError>) -> Self {
        errors.into_iter().fold(self, Self::fails)
    }

    /// The description, with all that its nature brings.
    pub(super) fn describe(
        mut self,
        contract: &mut Contract,
    ) -> (Cow<'static, str>, HttpMethod, utoipa::openapi::path::Operation) {
        let safe = matches!(self.method, HttpMethod::Get | HttpMethod::Head);
        self.problems.extend(problems::everywhere());
        if !self.bare {
            self.problems.add(&ApiError::NotAcceptable);
        }
        if self.access != Access::Public {
            self.problems.extend(problems::of_sessions(self.access != Access::Open));
            if !safe {
                self.problems.extend(problems::of_forgery());
            }
        }
        if self.body.as_ref().is_some_and(|body| body.media_type != FORM) {
            self.problems.extend(problems::of_bodies());
        }
        if self.idempotent {
            self = self.header("Idempotency-Key", text_matching("^[\\x21-\\x7e]{1,128}$"), IDEMPOTENCY_KEY);
            for status in [201, 403, 404, 409, 422] {
                self = self.bears(status, [AnswerHeader::IdempotencyReplayed.sometimes()]);
            }
            self = self.bears(409, [AnswerHeader::RetryAfter.sometimes()]);
            self.problems.add(&ApiError::Store(StoreError::Closed));
        }
        let cookie_writes = !safe && self.access != Access::Public;
        if cookie_writes {
            self = self.header(
                "X-CSRF-Token",
                any_text(),
                "The session's token; callers with a bearer token need none.",
            );
        }
        let mut operation = OperationBuilder::new()
            .operation_id(Some(self.id))
            .tag(self.tag)
            .summary(Some(self.summary))
            .description(self.about.clone())
            .parameters((!self.parameters.is_empty()).then_some(self.parameters))
            .request_body(request_body(contract, self.body, self.bytes));
        for requirement in access::requirements(self.access) {
            operation = operation.security(requirement);
        }
        let mut responses = Responses::new();
        for (status, answer) in self.answers {
            let own = self.headers.iter().filter(|(of, _)| *of == status).map(|(_, header)| *header);
            let mut answer = headers::bearing(contract.with_examples(answer), own);
            if self.rate_limit_exempt {
                headers::without_limits(&mut answer);
            }
            responses.responses.insert(status.to_string(), RefOr::T(answer));
        }
        for (status, specs) in self.problems.by_status() {
            let own = self.headers.iter().filter(|(of, _)| *of == status).map(|(_, header)| *header);
            let named = problems::refusal(contract, status, &specs, own.collect(), self.pages);
            responses.responses.insert(status.to_string(), RefOr::Ref(named));
        }
        (self.path, self.method, operation.responses(responses).build())
    }
}

fn request_body(contract: &Contract, body: Option<Body>, bytes: Vec<String>) -> Option<RequestBody> {
    if let Some(body) = body {
        let required = if body.required { Required::True } else { Required::False };
        let content = contract.with_example(json_content(body.shape));
        return Some(
            RequestBodyBuilder::new().required(Some(required)).content(body.media_type, content).build(),
        );
    }
    let whatever =
        || ContentBuilder::new().schema(Some(Schema::Object(Object::with_type(SchemaType::AnyValue))));
    let with = |body: RequestBodyBuilder, media_type| body.content(media_type, whatever().build());
    (!bytes.is_empty()).then(|| bytes.into_iter().fold(RequestBodyBuilder::new(), with).build())
}

const IDEMPOTENCY_KEY: &str = "The request is carried out at most once for each key, and the same answer is given again \
for 24 hours; 409 where its outcome cannot be known. A request that was refused leaves its key free.";

fn parameter(
    place: ParameterIn,
    name: &str,
    shape: RefOr<Schema>,
    about: &str,
    required: Required,
) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(Some(about))
        .schema(Some(shape))
        .build()
}
