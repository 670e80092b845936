//! The document, while it is being put together.

use std::{borrow::Cow, collections::BTreeMap};

use schemas::Example;
use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{
        Components, ComponentsBuilder, Content, ContentBuilder, Info, OpenApi, OpenApiBuilder, PathItem,
        PathsBuilder, Ref, RefOr, Response, Schema, Server,
        extensions::Extensions,
        info::{InfoBuilder, LicenseBuilder},
        schema::{SchemaType, Type},
        tag::TagBuilder,
    },
};

use super::{access, endpoint::Endpoint, headers};

/// What callers find at `/openapi.json`, while it is being put together.
#[derive(Default)]
pub struct Contract {
    title: Option<String>,
    about: Option<String>,
    pub(super) paths: BTreeMap<Cow<'static, str>, PathItem>,
    pub(super) operation_ids: Vec<String>,
    /// In the order in which they are declared.
    tags: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    schemas: BTreeMap<String, RefOr<Schema>>,
    /// Schemas that come as JSON: they may hold what `utoipa` has no type for.
    written: BTreeMap<String, Value>,
    /// Of shapes, by their names.
    examples: BTreeMap<String, Value>,
    /// Refusals, by the name under which operations refer to them.
    refusals: BTreeMap<String, Response>,
    /// What answers the operations that are not declared.
    pub(super) endpoints: Vec<Endpoint>,
}

impl std::fmt::Debug for Contract {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contract").field("paths", &self.paths.keys()).finish_non_exhaustive()
    }
}

impl Contract {
    /// A group of operations and what it is about.
    pub fn tag(&mut self, name: impl Into<Cow<'static, str>>, about: impl Into<Cow<'static, str>>) {
        let tag = (name.into(), about.into());
        if self.tags.iter().all(|(name, _)| *name != tag.0) {
            self.tags.push(tag);
        }
    }

    /// What the document is called, and what it says of itself, in Markdown.
    pub fn title(&mut self, title: Option<&str>, about: Option<&str>) {
        (self.title, self.about) = (title.map(str::to_owned), about.map(str::to_owned));
    }

    /// Adds a schema (JSON Schema 2020-12) that was written elsewhere.
    pub fn written(&mut self, name: String, schema: Value, example: Option<Value>) -> Ref {
        let reference = Ref::from_schema_name(&name);
        self.examples.extend(example.map(|example| (name.clone(), example)));
        self.written.insert(name, schema);
        reference
    }

    /// The ids of all operations that were added.
    #[must_use]
    pub fn operation_ids(&self) -> Vec<String> {
        self.operation_ids.clone()
    }

    /// The example of a shape that was added.
    #[must_use]
    pub fn example_of(&self, name: &str) -> Option<&Value> {
        self.examples.get(name)
    }

    /// All shapes that were added, as JSON.
    #[must_use]
    pub fn shapes(&self) -> BTreeMap<String, Value> {
        // Strings, lists and maps: that one cannot be written would be a bug of the library.
        let typed = |shape: &RefOr<Schema>| serde_json::to_value(shape).unwrap_or_default();
        let mut all: BTreeMap<_, _> =
            self.schemas.iter().map(|(name, shape)| (name.clone(), typed(shape))).collect();
        all.extend(self.written.clone());
        all
    }

    /// Adds what the answer `T` looks like, and everything in it, and answers with a reference to it.
    pub fn shape<T: ToSchema + Example>(&mut self) -> Ref {
        self.shape_named::<T>(&T::name())
    }

    /// Adds what a part of answers looks like, and everything in it.
    pub fn piece<T: ToSchema>(&mut self) {
        let mut within = Vec::new();
        T::schemas(&mut within);
        within.push((T::name().into_owned(), T::schema()));
        for (name, mut shape) in within {
            say_what_is_always_there(&mut shape);
            self.schemas.insert(name, shape);
        }
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
    pub(super) fn with_example(&self, mut content: Content) -> Content {
        if let Some(RefOr::Ref(shape)) = &content.schema
            && content.examples.is_empty()
        {
            let name = shape.ref_location.rsplit('/').next().unwrap_or_default();
            content.example = self.examples.get(name).cloned();
        }
        content
    }

    /// The same for all that an answer may be.
    pub(super) fn with_examples(&self, mut response: Response) -> Response {
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
    pub(super) fn refusal(&mut self, name: String, refusal: impl FnOnce(&mut Self) -> Response) -> Ref {
        if !self.refusals.contains_key(&name) {
            let made = refusal(self);
            self.refusals.insert(name.clone(), made);
        }
        Ref::from_response_name(name)
    }

    /// What answers the operations that were added with a handler, in their order.
    #[must_use]
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// The whole document. `cookie` is the name of the session cookie.
    #[must_use]
    pub fn document(mut self, cookie: &str) -> OpenApi {
        self.shape::<schemas::Problem>();
        self.shape::<schemas::Id>();
        let mut paths = PathsBuilder::new();
        let shapes = self.shapes();
        for (path, item) in self.paths {
            paths = paths.path(path, item);
        }
        let tags = self
            .tags
            .iter()
            .map(|(name, about)| TagBuilder::new().name(&**name).description(Some(&**about)).build());
        OpenApiBuilder::new()
            .info(info(self.title.as_deref(), self.about.as_deref()))
            .servers(Some([Server::new("/")]))
            .tags(Some(tags))
            .paths(paths)
            .components(Some(components(shapes, self.refusals, cookie)))
            .build()
    }
}

fn info(title: Option<&str>, about: Option<&str>) -> Info {
    InfoBuilder::new()
        .title(title.unwrap_or("BFF gateway"))
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(about.map_or_else(|| ABOUT.to_owned(), |about| format!("{about}\n\n{ABOUT}"))))
        .license(Some(LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()))
        .build()
}

const ABOUT: &str = "One JSON document for each screen, cached per user; reads and writes that pass through; \
cookie sessions for browsers and rotating tokens for mobile apps.\n\nErrors are problem documents (RFC 9457) with a stable \
`code`; each operation lists its own. Besides, every path answers 405 `method_not_allowed` with `Allow` to other \
methods, and every answer bears `X-Request-Id`.";

fn components(
    shapes: BTreeMap<String, Value>,
    refusals: BTreeMap<String, Response>,
    cookie: &str,
) -> Components {
    // As JSON, since `utoipa` has no type for some of them; extensions are written as they are.
    let shapes = Extensions::from_iter([("schemas", Value::Object(shapes.into_iter().collect()))]);
    let described = ComponentsBuilder::new().extensions(Some(shapes)).responses_from_iter(refusals);
    let described = access::schemes(cookie)
        .into_iter()
        .fold(described, |described, (name, scheme)| described.security_scheme(name, scheme));
    headers::components().fold(described, |described, (name, header)| described.header(name, header)).build()
}

pub(super) fn json_content(shape: Ref) -> Content {
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
