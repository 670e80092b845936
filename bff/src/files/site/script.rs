//! `GET /config.js`: what the operator tells front-ends, so that one build runs everywhere.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value};
use utoipa::openapi::{ContentBuilder, ResponseBuilder};

use crate::edge::{Access, AnswerHeader, ApiError, Contract, Operation, StaticResponse, any_text};

/// The script, made once.
#[derive(Debug, Clone)]
pub struct ConfigScript(StaticResponse);

impl ConfigScript {
    /// Sets the global variable `name`, an identifier, to `values`.
    #[must_use]
    pub fn new(name: &str, values: &Map<String, Value>) -> Self {
        Self(StaticResponse::new("text/javascript; charset=utf-8", script(name, values), None))
    }
}

fn script(name: &str, values: &Map<String, Value>) -> String {
    format!("globalThis.{name} = Object.freeze({});\n", literal(values))
}

/// JSON that is a JavaScript expression as well (ECMA-262 takes U+2028 and U+2029 within strings since 2019 only), and
/// that ends neither a script element nor a comment when a page holds it. Outside of strings JSON has none of these.
fn literal(values: &Map<String, Value>) -> String {
    let json = Value::Object(values.clone()).to_string();
    let mut literal = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                literal.push_str(&format!("\\u{:04x}", u32::from(c)))
            }
            c => literal.push(c),
        }
    }
    literal
}

/// Answers the script, or that the caller has it.
///
/// # Errors
/// Those of [`StaticResponse::answer`].
pub(super) async fn config_script(
    request: HttpRequest,
    script: web::Data<ConfigScript>,
) -> Result<HttpResponse, ApiError> {
    script.0.answer(&request).await
}

/// Adds the operation of this module, with its handler.
pub fn serve_script(contract: &mut Contract) {
    contract.tag("site", "What front-ends need besides data.");
    let script = ContentBuilder::new()
        .schema(Some(any_text()))
        .example(Some("globalThis.__CONFIG__ = Object.freeze({\"apiBase\":\"\"});\n".into()))
        .build();
    let found = ResponseBuilder::new().description("The script.").content("text/javascript", script);
    contract.serve(
        Operation::get("/config.js", "readConfig")
            .is("site", Access::Public, "Settings of the front-end")
            .about(ABOUT)
            .whatever_is_accepted()
            .rate_limit_exempt()
            .caller_independent()
            .header("If-None-Match", any_text(), "Validators of what the caller has.")
            .answers_with(200, found)
            .answers_with(304, ResponseBuilder::new().description("The caller has it."))
            .bears(200, [AnswerHeader::ETag.always()])
            .bears(304, [AnswerHeader::ETag.always()]),
        config_script,
    );
}

const ABOUT: &str = "A script that sets a global variable to what the operator has configured, so that one build of an \
app runs everywhere.";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(values: Value) -> String {
        let Value::Object(values) = values else { panic!("an object") };
        script("__CONFIG__", &values)
    }

    #[test]
    fn nothing_configured_is_an_empty_object() {
        assert_eq!(written(json!({})), "globalThis.__CONFIG__ = Object.freeze({});\n");
    }

    #[test]
    fn what_ends_scripts_comments_and_lines_is_escaped_and_means_the_same() {
        let values = json!({ "</script><!--": "a && b\u{2028}c\u{2029}\"\\\n\0 ]]>", "é": [1.5, null, true, { "<": ">" }] });
        let text = written(values.clone());
        assert!(!text.contains(['<', '>', '&', '\u{2028}', '\u{2029}', '\0']), "{text}");
        assert_eq!(text.matches('\n').count(), 1, "one line: {text}");
        let json = text
            .strip_prefix("globalThis.__CONFIG__ = Object.freeze(")
            .and_then(|text| text.strip_suffix(");\n"));
        assert_eq!(serde_json::from_str::<Value>(json.expect("a literal")).expect("JSON"), values);
    }
}
