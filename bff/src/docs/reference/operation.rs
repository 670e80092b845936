//! One operation: who may call, what it takes, what it answers, and an example of both.

use serde_json::Value;

use super::{
    examples,
    markup::{Text, Words, put},
    shape::{Entry, Root, kind, list, word},
};

/// Methods in the order in which a path's operations are shown.
pub(super) const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// A method on a path.
#[derive(Clone, Copy)]
pub(super) struct Described<'c> {
    pub(super) path: &'c str,
    /// In lower case.
    pub(super) method: &'static str,
    pub(super) value: &'c Value,
}

impl<'c> Described<'c> {
    /// Its name, and where it is found on the page.
    pub(super) fn id(&self) -> &'c str {
        word(self.value, "operationId")
    }

    fn parameters(&self, root: Root<'c>) -> Vec<&'c Value> {
        list(self.value, "parameters").iter().map(|parameter| root.resolve(parameter)).collect()
    }

    /// The body's content in JSON, and whether there must be one.
    fn body(&self, root: Root<'c>) -> Option<(&'c Value, bool)> {
        let body = root.resolve(self.value.get("requestBody")?);
        let content = body.get("content")?.as_object()?.values().next()?;
        Some((content, body.get("required") == Some(&Value::Bool(true))))
    }

    pub(super) fn write(&self, out: &mut String, root: Root<'c>) {
        put!(
            out,
            "<article class=\"op\" id=\"{id}\"><h3><a href=\"#{id}\">{}</a></h3><p class=\"line\">{} {}</p>\
             <div class=\"columns\"><div>",
            Text(word(self.value, "summary")),
            badge(self.method),
            path(self.path),
            id = Text(self.id()),
        );
        put!(out, "<p class=\"who\">{}</p>{}", self.who(), Words(word(self.value, "description")));
        self.write_parameters(out, root);
        if let Some((content, required)) = self.body(root) {
            let must = if required { "" } else { " <span class=\"may\">may be absent</span>" };
            let shape = content.get("schema").unwrap_or(&Value::Null);
            put!(out, "<h4>Body</h4><p><span class=\"kind\">{}</span>{must}</p>", kind(shape));
        }
        self.write_answers(out, root);
        out.push_str("</div><div>");
        self.write_examples(out, root);
        self.write_form(out, root);
        out.push_str("</div></div></article>");
    }

    fn who(&self) -> &'static str {
        let requirements = list(self.value, "security");
        let needs = |name: &str| requirements.iter().any(|one| one.get(name).is_some());
        let open = requirements.iter().any(|one| one.as_object().is_some_and(serde_json::Map::is_empty));
        match (open || requirements.is_empty(), needs("session"), needs("bearer")) {
            (true, false, false) => "Everybody may call.",
            (true, _, _) => "Everybody may call; who is signed in sees more.",
            (false, true, true) => "Needs a session or an access token.",
            (false, true, false) => "Needs a session: for browsers alone.",
            (false, false, _) => "Needs an access token.",
        }
    }

    fn write_parameters(&self, out: &mut String, root: Root<'c>) {
        let parameters = self.parameters(root);
        if parameters.is_empty() {
            return;
        }
        out.push_str("<h4>Parameters</h4><dl class=\"fields\">");
        for parameter in parameters {
            let required = parameter.get("required") == Some(&Value::Bool(true));
            Entry {
                name: word(parameter, "name"),
                place: word(parameter, "in"),
                required: Some(required),
                shape: parameter.get("schema").unwrap_or(&Value::Null),
                about: word(parameter, "description"),
            }
            .write(out);
        }
        out.push_str("</dl>");
    }

    fn write_answers(&self, out: &mut String, root: Root<'c>) {
        let Some(answers) = self.value.get("responses").and_then(Value::as_object) else { return };
        let (refusals, usual): (Vec<_>, Vec<_>) =
            answers.iter().partition(|(status, _)| status.starts_with(['4', '5']));
        out.push_str("<h4>Answers</h4>");
        for (status, answer) in usual {
            write_answer(out, root, status, root.resolve(answer));
        }
        if refusals.is_empty() {
            return;
        }
        out.push_str("<details class=\"refusals\"><summary>Errors");
        for (status, _) in &refusals {
            put!(out, " <code>{}</code>", Text(status));
        }
        out.push_str("</summary><dl class=\"fields\">");
        for (status, answer) in refusals {
            let about = word(root.resolve(answer), "description");
            put!(out, "<dt><code>{}</code></dt><dd>{}</dd>", Text(status), Words(about));
        }
        out.push_str("</dl></details>");
    }

    fn write_examples(&self, out: &mut String, root: Root<'c>) {
        let body = self.body(root).and_then(|(content, _)| examples::of_content(root, content));
        write_code(out, "Request", &self.curl(body.as_ref()));
        let answers = self.value.get("responses").and_then(Value::as_object);
        let good = answers.into_iter().flatten().find(|(status, _)| status.starts_with('2'));
        let Some((status, answer)) = good else { return };
        let content = root.resolve(answer).get("content").and_then(|kinds| kinds.get("application/json"));
        if let Some(example) = content.and_then(|content| examples::of_content(root, content)) {
            write_code(out, &format!("Answer {status}"), &pretty(&example));
        }
    }

    /// The call as a line for a shell.
    fn curl(&self, body: Option<&Value>) -> String {
        let mut line = String::from("curl");
        if self.method != "get" && !(self.method == "post" && body.is_some()) {
            put!(&mut line, " -X {}", self.method.to_uppercase());
        }
        put!(&mut line, " \"$BFF{}\"", self.path);
        let requirements = list(self.value, "security");
        let needs = |name: &str| requirements.iter().any(|one| one.get(name).is_some());
        if needs("bearer") {
            line.push_str(" \\\n  -H \"Authorization: Bearer $TOKEN\"");
        } else if needs("session") {
            line.push_str(" \\\n  -b \"$COOKIES\"");
            if self.method != "get" {
                line.push_str(" -H \"X-CSRF-Token: $CSRF\"");
            }
        }
        if let Some(body) = body {
            put!(&mut line, " \\\n  --json '{}'", pretty(body));
        }
        line
    }

    /// What "try it" is filled in at. The script shows it, and without one there is nothing to be sent.
    fn write_form(&self, out: &mut String, root: Root<'c>) {
        let answers = self.value.get("responses");
        // A WebSocket, and what leads a browser elsewhere, are nothing that a script could show.
        if answers.is_none_or(|answers| answers.get("101").is_some() || answers.get("303").is_some()) {
            return;
        }
        put!(
            out,
            "<form class=\"try\" hidden data-method=\"{}\" data-path=\"{}\">",
            self.method.to_uppercase(),
            Text(self.path)
        );
        let own = |parameter: &&Value| {
            let (name, place) = (word(parameter, "name"), word(parameter, "in"));
            place != "header" || name == "Idempotency-Key"
        };
        for parameter in self.parameters(root).into_iter().filter(own) {
            let required = if word(parameter, "in") == "path" { " required" } else { "" };
            put!(
                out,
                "<label>{} <input name=\"{}\" data-in=\"{}\" autocomplete=\"off\"{required}></label>",
                Text(word(parameter, "name")),
                Text(word(parameter, "name")),
                Text(word(parameter, "in"))
            );
        }
        if let Some((content, _)) = self.body(root) {
            let example = examples::of_content(root, content).as_ref().map(pretty).unwrap_or_default();
            let rows = example.lines().count().clamp(3, 16);
            put!(
                out,
                "<label>Body <textarea name=\"body\" rows=\"{rows}\" spellcheck=\"false\">{}</textarea></label>",
                Text(&example)
            );
        }
        let word = if self.method == "get" { "Try it" } else { "Send it: this changes something" };
        put!(out, "<button>{word}</button><output></output></form>");
    }
}

fn write_answer(out: &mut String, root: Root<'_>, status: &str, answer: &Value) {
    put!(
        out,
        "<div class=\"answer\"><p><code class=\"status\">{}</code> {}</p>",
        Text(status),
        Words(word(answer, "description")).to_string().trim_start_matches("<p>").trim_end_matches("</p>")
    );
    for (media_type, content) in answer.get("content").and_then(Value::as_object).into_iter().flatten() {
        let shape = content.get("schema").unwrap_or(&Value::Null);
        put!(out, "<p><code>{}</code>: <span class=\"kind\">{}</span></p>", Text(media_type), kind(shape));
    }
    let headers = answer.get("headers").and_then(Value::as_object).filter(|headers| !headers.is_empty());
    if let Some(headers) = headers {
        let names: Vec<String> = headers.keys().map(|name| Text(name).to_string()).collect();
        put!(
            out,
            "<details><summary>Headers <span class=\"place\">{}</span></summary><dl class=\"fields\">",
            names.join(", ")
        );
        for (name, header) in headers {
            let header = root.resolve(header);
            let (shape, about) = (header.get("schema").unwrap_or(&Value::Null), word(header, "description"));
            Entry { name, place: "", required: None, shape, about }.write(out);
        }
        out.push_str("</dl></details>");
    }
    out.push_str("</div>");
}

fn write_code(out: &mut String, title: &str, code: &str) {
    put!(
        out,
        "<div class=\"example\"><p>{}</p><pre tabindex=\"0\" role=\"region\" aria-label=\"{0}\"><code>{}</code></pre></div>",
        Text(title),
        Text(code)
    );
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// The method, in the colour that tells what it does.
pub(super) fn badge(method: &str) -> String {
    format!("<span class=\"method {method}\">{}</span>", method.to_uppercase())
}

/// A path that may be broken between its steps.
pub(super) fn path(path: &str) -> String {
    format!("<code class=\"path\">{}</code>", Text(path).to_string().replace('/', "<wbr>/"))
}
