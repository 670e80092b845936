//! What JSON Schema cannot say of the fields that callers send: the code of each rule (`x-checks`, in order, the first that
//! fails counts), and numbers that are of another form rather than out of range.
//!
//! The gateway holds bodies against it before it calls, so that a mistake costs no call; the services check again.

use serde_json::{Value, json};

/// Says something: one character at least that is no white space (Unicode's `White_Space`, which a pattern's `\s` is not).
const NOT_BLANK: &str = r"[^\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]";
/// Can be shown: no control characters but those that lay text out.
const SHOWN: &str = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$";
/// Both at once, for whoever knows no `x-checks`.
const TEXT: &str = concat!(
    r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*",
    r"[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]",
    r"[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$",
);
/// The key of an uploaded file, which becomes a part of a URL: neither a way up nor a hidden file.
const FILE_KEY: &str = r"^(?=.{1,512}$)[A-Za-z0-9_~-][A-Za-z0-9._~-]*(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$";
/// A URL parser takes these for steps of a path.
const NO_STEP: &str = r"^(?!\.{1,2}$)";

/// Adds the rules of an object that callers send to its fields.
pub(super) fn of_body(shape: &mut Value) {
    for (name, field) in shape["properties"].as_object_mut().into_iter().flatten() {
        of_field(name, field);
    }
}

fn of_field(name: &str, field: &mut Value) {
    match name {
        "photoKey" | "avatarKey" => {
            // One code, whatever is wrong with it.
            if let Some(rules) = field.as_object_mut() {
                rules.remove("maxLength");
            }
            field["pattern"] = json!(FILE_KEY);
            field["x-checks"] = json!([{ "pattern": FILE_KEY, "code": "invalid_key", "message": "is not the key of a file" }]);
        }
        "title" | "body" | "text" | "displayName" => {
            field["pattern"] = json!(TEXT);
            field["x-checks"] = json!([
                { "pattern": NOT_BLANK, "code": "too_short", "message": "must not be blank" },
                { "pattern": SHOWN, "code": "invalid_characters", "message": "must hold no control characters" },
            ]);
        }
        "bio" => {
            field["pattern"] = json!(SHOWN);
            field["x-checks"] = json!([
                { "pattern": SHOWN, "code": "invalid_characters", "message": "must hold no control characters" },
            ]);
        }
        // Below 0 it is no number of servings at all.
        "servings" => field["format"] = json!("uint32"),
        "amount" => {
            field["not"] =
                json!({ "anyOf": [{ "exclusiveMaximum": 0 }, { "exclusiveMinimum": 999_999_999_999.999 }] });
        }
        _ => {}
    }
}

/// Adds the rules of ids.
pub(super) fn of_id(shape: &mut Value) {
    shape["x-checks"] = json!([{ "pattern": NO_STEP, "code": "invalid", "message": "is no id" }]);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::of_body;

    #[test]
    fn rules_stand_beside_what_the_schema_says() {
        let mut shape = json!({ "properties": {
            "text": { "type": "string", "maxLength": 5, "pattern": "x" },
            "photoKey": { "type": ["string", "null"], "maxLength": 512 },
            "recipeId": { "type": "string" },
        } });
        of_body(&mut shape);
        let field = |name: &str| &shape["properties"][name];
        assert_eq!(field("text")["maxLength"], 5);
        assert_eq!(field("text")["x-checks"][0]["code"], "too_short");
        assert_eq!(field("photoKey")["x-checks"][0]["code"], "invalid_key");
        assert_eq!(field("photoKey")["maxLength"], json!(null));
        assert_eq!(field("recipeId"), &json!({ "type": "string" }));
    }
}
