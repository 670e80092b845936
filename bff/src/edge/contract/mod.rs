//! The contract with callers, as OpenAPI 3.1: `api`, `screens` and `live` describe their operations beside their
//! handlers, `app` collects them into one document.
//!
//! What every operation has by its nature (401 for those that need a session, 413 for those that read a body, …) is
//! added here, so that a description says only what is its own. Problem codes are not written twice: a description
//! names the [`ApiError`] that its handler answers, and the code and the status follow from that.

mod access;
mod headers;
mod operation;
mod problems;
mod shapes;

use std::collections::BTreeMap;

use schemas::Example;
use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{
        Components, ComponentsBuilder, Content, ContentBuilder, Info, OpenApi, OpenApiBuilder, PathItem,
        PathsBuilder, Ref, RefOr, Response, Schema, Server,
        info::{InfoBuilder, LicenseBuilder},
        schema::{SchemaType, Type},
        tag::TagBuilder,
    },
};

pub use access::Access;
pub use headers::AnswerHeader;
pub use operation::Operation;
pub use problems::upstream_problems;
pub use shapes::{any_text, choice, compact_of, date_time, number, object, resolved, text, text_matching};

/// What callers find at `/openapi.json`, while it is being put together.
#[derive(Default)]
pub struct Contract {
    paths: BTreeMap<&'static str, PathItem>,
    /// In the order in which they are declared.
    tags: Vec<(&'static str, &'static str)>,
    schemas: BTreeMap<String, RefOr<Schema>>,
    /// Of shapes, by their names.
    examples: BTreeMap<String, Value>,
    /// Refusals, by the name under which operations refer to them.
    refusals: BTreeMap<String, Response>,
}

impl std::fmt::Debug for Contract {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contract").field("paths", &self.paths.keys()).finish_non_exhaustive()
    }
}

impl Contract {
    /// A group of operations and what it is about.
    pub fn tag(&mut self, name: &'static str, about: &'static str) {
        if !self.tags.contains(&(name, about)) {
            self.tags.push((name, about));
        }
    }

    /// Adds what the answer `T` looks like, and everything in it, and answers with a reference to it.
    pub fn shape<T: ToSchema + Example>(&mut self) -> Ref {
        self.shape_named::<T>(&T::name())
    }

    /// The same under a name of its own: for a type that is made of another.
    pub fn shape_named<T: ToSchema + Example>(&mut self, name: &str) -> Ref {
        let mut within = Vec::new();
        T::schemas(&mut within);
        within.push((name.to_owned(), T::schema()));
        for (name, mut shape) in within {
            say_what_is_always_there(&mut shape);
            self.schemas.insert(name, shape);
        }
        self.examples.insert(name.to_owned(), T::example());
        Ref::from_schema_name(name)
    }

    /// Adds what callers send.
    pub fn input<T: ToSchema + Example>(&mut self) -> Ref {
        let mut within = Vec::new();
        T::schemas(&mut within);
        self.schemas.extend(within);
        self.named(T::name().into_owned(), T::schema(), T::example())
    }

    /// Adds a shape that has no type of its own.
    pub fn named(&mut self, name: String, shape: impl Into<RefOr<Schema>>, example: Value) -> Ref {
        let reference = Ref::from_schema_name(&name);
        self.schemas.insert(name.clone(), shape.into());
        self.examples.insert(name, example);
        reference
    }

    /// Content of a shape that was added, with that shape's example.
    fn with_example(&self, mut content: Content) -> Content {
        if let Some(RefOr::Ref(shape)) = &content.schema
            && content.examples.is_empty()
        {
            let name = shape.ref_location.rsplit('/').next().unwrap_or_default();
            content.example = self.examples.get(name).cloned();
        }
        content
    }

    /// The same for all that an answer may be.
    fn with_examples(&self, mut response: Response) -> Response {
        for content in response.content.values_mut() {
            if let RefOr::T(content) = content {
                *content = self.with_example(std::mem::take(content));
            }
        }
        response
    }

    /// A shape that was added.
    #[must_use]
    pub fn schema(&self, name: &str) -> Option<&RefOr<Schema>> {
        self.schemas.get(name)
    }

    /// Adds a refusal, once for all operations that end like it.
    fn refusal(&mut self, name: String, refusal: impl FnOnce(&mut Self) -> Response) -> Ref {
        if !self.refusals.contains_key(&name) {
            let made = refusal(self);
            self.refusals.insert(name.clone(), made);
        }
        Ref::from_response_name(name)
    }

    /// Adds an operation.
    pub fn add(&mut self, operation: Operation) {
        let (path, method, described) = operation.describe(self);
        let item = PathItem::new(method, described);
        match self.paths.get_mut(path) {
            Some(there) => there.merge_operations(item),
            None => {
                self.paths.insert(path, item);
            }
        }
    }

    /// The whole document. `cookie` is the name of the session cookie.
    #[must_use]
    pub fn document(mut self, cookie: &str) -> OpenApi {
        self.shape::<schemas::Problem>();
        self.shape::<schemas::Id>();
        let mut paths = PathsBuilder::new();
        for (path, item) in self.paths {
            paths = paths.path(path, item);
        }
        let tags = self
            .tags
            .iter()
            .map(|(name, about)| TagBuilder::new().name(*name).description(Some(*about)).build());
        OpenApiBuilder::new()
            .info(info())
            .servers(Some([Server::new("/")]))
            .tags(Some(tags))
            .paths(paths)
            .components(Some(components(self.schemas, self.refusals, cookie)))
            .build()
    }
}

fn info() -> Info {
    InfoBuilder::new()
        .title("BFF gateway")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()))
        .build()
}

const ABOUT: &str = "One JSON document for each screen, cached per user; reads and writes of the recipe book; cookie \
sessions for browsers and rotating tokens for mobile apps.\n\nErrors are problem documents (RFC 9457) with a stable \
`code`; each operation lists its own. Besides, every path answers 405 `method_not_allowed` with `Allow` to other \
methods, and every answer bears `X-Request-Id`.";

fn components(
    shapes: BTreeMap<String, RefOr<Schema>>,
    refusals: BTreeMap<String, Response>,
    cookie: &str,
) -> Components {
    let described = ComponentsBuilder::new().schemas_from_iter(shapes).responses_from_iter(refusals);
    let described = access::schemes(cookie)
        .into_iter()
        .fold(described, |described, (name, scheme)| described.security_scheme(name, scheme));
    headers::components().fold(described, |described, (name, header)| described.header(name, header)).build()
}

fn json_content(shape: Ref) -> Content {
    ContentBuilder::new().schema(Some(shape)).build()
}

/// What may be null in an answer is there all the same: a field that can be absent is never null.
fn say_what_is_always_there(shape: &mut RefOr<Schema>) {
    match shape {
        RefOr::T(Schema::Object(object)) => {
            let nullable = object.properties.iter().filter(|(_, field)| may_be_null(field));
            let named: Vec<String> = nullable.map(|(name, _)| name.clone()).collect();
            for name in named {
                if !object.required.contains(&name) {
                    object.required.push(name);
                }
            }
        }
        RefOr::T(Schema::AllOf(all)) => all.items.iter_mut().for_each(say_what_is_always_there),
        _ => {}
    }
}

fn may_be_null(shape: &RefOr<Schema>) -> bool {
    let takes_null = |kind: &SchemaType| match kind {
        SchemaType::Type(kind) => *kind == Type::Null,
        SchemaType::Array(kinds) => kinds.contains(&Type::Null),
        SchemaType::AnyValue => false,
    };
    match shape {
        RefOr::Ref(_) => false,
        RefOr::T(Schema::Object(object)) => takes_null(&object.schema_type),
        RefOr::T(Schema::Array(array)) => takes_null(&array.schema_type),
        RefOr::T(Schema::OneOf(one)) => one.items.iter().any(may_be_null),
        RefOr::T(Schema::AnyOf(any)) => any.items.iter().any(may_be_null),
        RefOr::T(_) => false,
    }
}
