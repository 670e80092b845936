//! The whole page: contents, introduction, operations by group, shapes.

use serde_json::Value;

use super::{
    markup::{Text, Words, put, slug},
    operation::{Described, METHODS, badge, path},
    shape::{Root, list, word, write_shape},
};

/// The page as HTML. `style` and `script` become part of it as they are.
pub(super) fn render(contract: &Value, style: &str, script: &str) -> String {
    let root = Root(contract);
    let info = &contract["info"];
    let groups = groups(contract);
    let shapes = contract.pointer("/components/schemas").and_then(Value::as_object);
    let mut out = String::with_capacity(1 << 19);
    put!(
        &mut out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}: API reference</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><link rel=\"icon\" href=\"data:,\">\
         <style>{style}</style></head><body><a class=\"skip\" href=\"#reference\">To the reference</a>",
        title = Text(word(info, "title"))
    );
    write_contents(&mut out, info, &groups);
    put!(
        &mut out,
        "<main id=\"reference\"><header class=\"intro\"><h1>{} <small>{}</small></h1><p><a href=\"/openapi.json\">\
         openapi.json</a>: the same for programs, OpenAPI {}</p>{}</header>",
        Text(word(info, "title")),
        Text(word(info, "version")),
        Text(word(contract, "openapi")),
        Words(word(info, "description"))
    );
    write_security(&mut out, contract);
    out.push_str("<p class=\"nothing\" hidden>Nothing here has these words.</p>");
    for (name, about, operations) in &groups {
        put!(
            &mut out,
            "<section class=\"group\" aria-labelledby=\"{0}\"><h2 id=\"{0}\"><a href=\"#{0}\">{1}</a></h2>{2}",
            group_id(name),
            Text(name),
            Words(about)
        );
        for operation in operations {
            operation.write(&mut out, root);
        }
        out.push_str("</section>");
    }
    if let Some(shapes) = shapes {
        out.push_str(
            "<section class=\"group shapes\" aria-labelledby=\"shapes\"><h2 id=\"shapes\"><a href=\"#shapes\">Shapes\
             </a></h2><p>What bodies and answers are made of.</p>",
        );
        for (name, shape) in shapes {
            write_shape(&mut out, root, name, shape);
        }
        out.push_str("</section>");
    }
    put!(&mut out, "</main><script>{script}</script></body></html>\n");
    out
}

type Group<'c> = (&'c str, &'c str, Vec<Described<'c>>);

/// The operations by group, groups in their order. An operation of no declared group comes last rather than nowhere.
fn groups(contract: &Value) -> Vec<Group<'_>> {
    let declared = list(contract, "tags").iter().map(|tag| (word(tag, "name"), word(tag, "description")));
    let mut groups: Vec<Group<'_>> = declared.map(|(name, about)| (name, about, Vec::new())).collect();
    groups.push(("other", "", Vec::new()));
    for (path, item) in contract.get("paths").and_then(Value::as_object).into_iter().flatten() {
        for method in METHODS {
            let Some(value) = item.get(method) else { continue };
            let tag = list(value, "tags").first().and_then(Value::as_str);
            let last = groups.len() - 1;
            let place = groups.iter().position(|(name, ..)| Some(*name) == tag).unwrap_or(last);
            groups[place].2.push(Described { path, method, value });
        }
    }
    groups.retain(|(_, _, operations)| !operations.is_empty());
    groups
}

fn group_id(name: &str) -> String {
    format!("group-{}", slug(name))
}

fn write_contents(out: &mut String, info: &Value, groups: &[Group<'_>]) {
    put!(
        out,
        "<nav class=\"contents\" aria-label=\"Contents\"><p class=\"title\"><a href=\"#reference\">{}</a></p>\
         <search hidden><label for=\"find\">Search</label><input id=\"find\" type=\"search\" autocomplete=\"off\" \
         spellcheck=\"false\" placeholder=\"path, code, field …\"><p role=\"status\"></p></search><ul>\
         <li><a href=\"#security\">Signing in</a></li>",
        Text(word(info, "title"))
    );
    for (name, _, operations) in groups {
        put!(out, "<li><a href=\"#{}\">{}</a><ul>", group_id(name), Text(name));
        for operation in operations {
            put!(
                out,
                "<li><a href=\"#{}\">{} {}</a></li>",
                Text(operation.id()),
                badge(operation.method),
                path(operation.path)
            );
        }
        out.push_str("</ul></li>");
    }
    out.push_str("<li><a href=\"#shapes\">Shapes</a></li></ul></nav>");
}

fn write_security(out: &mut String, contract: &Value) {
    let schemes = contract.pointer("/components/securitySchemes").and_then(Value::as_object);
    out.push_str(
        "<section class=\"group\" aria-labelledby=\"security\"><h2 id=\"security\"><a href=\"#security\">Signing in\
         </a></h2><dl class=\"fields\">",
    );
    for (name, scheme) in schemes.into_iter().flatten() {
        let (kind, detail) = match word(scheme, "type") {
            "apiKey" => (word(scheme, "in"), word(scheme, "name")),
            _ => (word(scheme, "scheme"), word(scheme, "bearerFormat")),
        };
        put!(
            out,
            "<dt><code>{}</code> <span class=\"kind\">{} {}</span></dt><dd>{}</dd>",
            Text(name),
            Text(kind),
            Text(detail),
            Words(word(scheme, "description"))
        );
    }
    out.push_str(
        "</dl><form class=\"token\" hidden><label>Access token for “Try it” <input type=\"password\" name=\"token\" \
         autocomplete=\"off\"></label><p>Without one, this browser's session is used, and its CSRF token is sent by \
         itself. It stays in this page.</p></form></section>",
    );
}
