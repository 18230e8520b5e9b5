//! The API reference as one page of HTML, made from the OpenAPI document when the server starts. It needs no script and no
//! resource from elsewhere.

use std::fmt::Write as _;

use aios_domain::ErrorKind;
use serde_json::Value;
use utoipa::openapi::OpenApi;

use crate::problem::problem_type;

/// The page.
pub(crate) fn render(document: &OpenApi) -> String {
    let document = serde_json::to_value(document).unwrap_or_default();
    let page = Page { document: &document };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<title>{title} API</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<nav>{nav}</nav>\n<main>\n<h1>{title} API</h1>\n{intro}{operations}{schemas}{problems}</main>\n</body>\n</html>\n",
        title = escape(page.text("/info/title")),
        nav = page.navigation(),
        intro = page.introduction(),
        operations = page.operations(),
        schemas = page.schemas(),
        problems = problems(),
    )
}

const STYLE: &str = "
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--accent:#2563eb}
@media(prefers-color-scheme:dark){:root{--accent:#7dabff}}
*{box-sizing:border-box}
body{margin:0;font:16px/1.55 system-ui,sans-serif;display:grid;grid-template-columns:17rem minmax(0,1fr)}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:1.5rem 1rem;border-right:1px solid var(--line);font-size:.875rem}
nav a{display:block;padding:.15rem 0;color:inherit;text-decoration:none}
nav a:hover,nav a:focus{text-decoration:underline}
nav strong{display:block;margin:1rem 0 .25rem}
main{padding:1.5rem 2.5rem 6rem;max-width:60rem}
h1{margin-top:0}
h2{margin-top:3rem;border-bottom:1px solid var(--line);padding-bottom:.3rem}
h3{margin:2.25rem 0 .25rem;font-size:1.1rem}
h4{margin:1rem 0 .25rem;font-size:.9rem}
code,pre,.route{font-family:ui-monospace,monospace;font-size:.875em}
pre{background:var(--soft);padding:.75rem 1rem;overflow:auto;border-radius:.4rem}
.route{overflow-wrap:anywhere}
.method{display:inline-block;min-width:4rem;font-weight:700;color:var(--accent)}
.badge{font-size:.75rem;border:1px solid var(--line);border-radius:1rem;padding:.05rem .6rem;margin-left:.5rem;white-space:nowrap}
table{border-collapse:collapse;width:100%;font-size:.9rem}
td,th{text-align:left;vertical-align:top;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line)}
td:first-child{white-space:nowrap}
a{color:var(--accent)}
@media(max-width:50rem){body{display:block}nav{position:static;height:auto;border:0}main{padding:1rem}td:first-child{white-space:normal}}
";

struct Page<'a> {
    document: &'a Value,
}

/// One operation of the document.
struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    value: &'a Value,
}

impl Operation<'_> {
    fn anchor(&self) -> String {
        let path: String = self
            .path
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        format!("{}{}", self.method, path)
    }

    fn text(&self, name: &str) -> &str {
        self.value.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn who(&self) -> Option<&'static str> {
        let security = self.value.get("security")?.as_array()?;
        let is_optional = security
            .iter()
            .any(|requirement| requirement.as_object().is_some_and(serde_json::Map::is_empty));
        Some(if is_optional { "token optional" } else { "token needed" })
    }
}

impl<'a> Page<'a> {
    fn text(&self, pointer: &str) -> &'a str {
        self.document
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    fn tags(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let tags = self
            .document
            .get("tags")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let text = |tag: &'a Value, name| tag.get(name).and_then(Value::as_str).unwrap_or_default();
        tags.map(move |tag| (text(tag, "name"), text(tag, "description")))
    }

    fn of_tag(&self, tag: &str) -> Vec<Operation<'a>> {
        let paths = self
            .document
            .get("paths")
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        let operations = paths.flat_map(|(path, item)| {
            let methods = item.as_object().into_iter().flatten();
            methods.map(move |(method, value)| Operation { method, path, value })
        });
        let bears = |operation: &Operation<'_>| operation.value.pointer("/tags/0").and_then(Value::as_str) == Some(tag);
        operations.filter(bears).collect()
    }

    fn navigation(&self) -> String {
        let mut out = String::from("<a href=\"#top\"><b>AIOS Marketplace</b></a>");
        for (tag, _) in self.tags() {
            let _ = write!(out, "<strong>{}</strong>", escape(tag));
            for operation in self.of_tag(tag) {
                let (anchor, summary) = (operation.anchor(), escape(operation.text("summary")));
                let _ = write!(out, "<a href=\"#{anchor}\">{summary}</a>");
            }
        }
        out + "<strong>Reference</strong><a href=\"#schemas\">Schemas</a><a href=\"#problems\">Problems</a>\
               <a href=\"/openapi.json\">openapi.json</a>"
    }

    fn introduction(&self) -> String {
        let text = paragraphs(self.text("/info/description"));
        format!(
            "<div id=\"top\">{text}<p>Signing in: <code>Authorization: Bearer &lt;JWT&gt;</code>. {}</p>\
             <pre>curl 'http://127.0.0.1:8080/api/v1/marketplace/agents?category=development&amp;limit=3'</pre></div>",
            inline(self.text("/components/securitySchemes/bearer/description"))
        )
    }

    fn operations(&self) -> String {
        let mut out = String::new();
        for (tag, description) in self.tags() {
            let _ = write!(out, "<h2>{}</h2><p>{}</p>", escape(tag), inline(description));
            for operation in self.of_tag(tag) {
                self.operation(&mut out, &operation);
            }
        }
        out
    }

    fn operation(&self, out: &mut String, operation: &Operation<'_>) {
        let who = operation
            .who()
            .map(|who| format!("<span class=\"badge\">{who}</span>"))
            .unwrap_or_default();
        let _ = write!(
            out,
            "<section id=\"{anchor}\"><h3>{summary}{who}</h3><p class=\"route\"><span class=\"method\">{method}</span>{path}</p>{description}",
            anchor = operation.anchor(),
            summary = escape(operation.text("summary")),
            method = operation.method.to_uppercase(),
            path = escape(operation.path),
            description = paragraphs(operation.text("description")),
        );
        parameters(out, operation);
        if let Some(schema) = operation.value.pointer("/requestBody/content/application~1json/schema") {
            let _ = write!(out, "<h4>Body</h4><p>{}</p>", type_of(schema));
            let example = self.example(schema, 0);
            let _ = write!(
                out,
                "<pre>{}</pre>",
                escape(&serde_json::to_string_pretty(&example).unwrap_or_default())
            );
        }
        self.responses(out, operation);
        out.push_str("</section>");
    }

    fn responses(&self, out: &mut String, operation: &Operation<'_>) {
        out.push_str("<h4>Answers</h4><table><tbody>");
        for (status, response) in operation
            .value
            .get("responses")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let response = self.resolved(response);
            let description = response.get("description").and_then(Value::as_str).unwrap_or_default();
            let contents = response.get("content").and_then(Value::as_object).into_iter().flatten();
            let bodies: Vec<String> = contents
                .filter_map(|(_, content)| content.get("schema"))
                .map(type_of)
                .collect();
            let _ = write!(
                out,
                "<tr><td><code>{status}</code></td><td>{}</td><td>{}</td></tr>",
                inline(description),
                bodies.join(", ")
            );
        }
        out.push_str("</tbody></table>");
    }

    fn schemas(&self) -> String {
        let mut out = String::from("<h2 id=\"schemas\">Schemas</h2>");
        for (name, schema) in self
            .document
            .pointer("/components/schemas")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let description = schema.get("description").and_then(Value::as_str).unwrap_or_default();
            let name = escape(name);
            let _ = write!(out, "<h3 id=\"schema-{name}\">{name}</h3>{}", paragraphs(description));
            if schema.get("enum").is_some() {
                let _ = write!(out, "<p>{}</p>", type_of(schema));
                continue;
            }
            out.push_str("<table><tbody>");
            self.properties(&mut out, schema);
            out.push_str("</tbody></table>");
        }
        out
    }

    fn properties(&self, out: &mut String, schema: &Value) {
        let schema = self.resolved(schema);
        for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            self.properties(out, part);
        }
        for (name, property) in schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let description = property.get("description").and_then(Value::as_str).unwrap_or_default();
            let _ = write!(
                out,
                "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                escape(name),
                type_of(property),
                inline(description)
            );
        }
    }

    fn resolved<'v>(&self, value: &'v Value) -> &'v Value
    where
        'a: 'v,
    {
        let target = value
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|reference| reference.strip_prefix('#'));
        target
            .and_then(|pointer| self.document.pointer(pointer))
            .unwrap_or(value)
    }

    /// A value that fits the schema, from the examples it names.
    fn example(&self, schema: &Value, depth: usize) -> Value {
        let schema = self.resolved(schema);
        if let Some(example) = schema.get("example") {
            return example.clone();
        }
        for several in ["oneOf", "anyOf"] {
            let parts = schema.get(several).and_then(Value::as_array);
            let part = parts.and_then(|parts| parts.iter().find(|part| part.get("type") != Some(&"null".into())));
            if let Some(part) = part {
                return self.example(part, depth);
            }
        }
        if let Some(first) = schema.pointer("/enum/0") {
            return first.clone();
        }
        match schema.get("properties").and_then(Value::as_object) {
            Some(properties) if depth < 3 => {
                let with_examples = properties
                    .iter()
                    .map(|(name, property)| (name, self.example(property, depth + 1)));
                Value::Object(
                    with_examples
                        .filter(|(_, v)| !v.is_null())
                        .map(|(n, v)| (n.clone(), v))
                        .collect(),
                )
            }
            _ => Value::Null,
        }
    }
}

fn parameters(out: &mut String, operation: &Operation<'_>) {
    let Some(parameters) = operation.value.get("parameters").and_then(Value::as_array) else {
        return;
    };
    out.push_str("<h4>Parameters</h4><table><tbody>");
    for parameter in parameters {
        let text = |name| parameter.get(name).and_then(Value::as_str).unwrap_or_default();
        let kind = parameter.get("schema").map(type_of).unwrap_or_default();
        let _ = write!(
            out,
            "<tr><td><code>{}</code></td><td>{}</td><td>{kind}</td><td>{}</td></tr>",
            escape(text("name")),
            text("in"),
            inline(text("description"))
        );
    }
    out.push_str("</tbody></table>");
}

/// What a value is, in a few words, with links to the schemas it names.
fn type_of(schema: &Value) -> String {
    if let Some(name) = schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|r| r.rsplit('/').next())
    {
        let name = escape(name);
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
        let choices: Vec<String> = choices
            .iter()
            .filter_map(Value::as_str)
            .map(|c| format!("<code>{}</code>", escape(c)))
            .collect();
        return choices.join(" | ");
    }
    for several in ["oneOf", "anyOf", "allOf"] {
        if let Some(parts) = schema.get(several).and_then(Value::as_array) {
            let parts: Vec<String> = parts.iter().map(type_of).collect();
            return parts.join(" | ");
        }
    }
    let kinds = match schema.get("type") {
        Some(Value::String(kind)) => vec![kind.as_str()],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => vec!["any"],
    };
    let named = kinds.into_iter().map(|kind| match (kind, schema.get("items")) {
        ("array", Some(items)) => format!("list of {}", type_of(items)),
        _ => kind.to_owned(),
    });
    let mut text = named.collect::<Vec<_>>().join(" or ");
    if let Some(format) = schema.get("format").and_then(Value::as_str) {
        let _ = write!(text, " ({})", escape(format));
    }
    text + &bounds(schema)
}

/// The limits a schema sets, as in `0 … 5` and `at most 100 characters`.
fn bounds(schema: &Value) -> String {
    let number = |name| schema.get(name).and_then(Value::as_f64);
    let mut text = String::new();
    match (number("minimum"), number("maximum")) {
        (Some(low), Some(high)) => {
            let _ = write!(text, ", {low} … {high}");
        }
        (Some(low), None) => {
            let _ = write!(text, ", at least {low}");
        }
        _ => {}
    }
    if let Some(most) = number("maxLength") {
        let _ = write!(text, ", at most {most} characters");
    }
    if let Some(most) = number("maxItems") {
        let _ = write!(text, ", at most {most} items");
    }
    text
}

fn problems() -> String {
    let mut out = String::from(
        "<h2 id=\"problems\">Problems</h2><p>Every failure is a problem document (RFC 9457) whose <code>type</code> leads here.</p>",
    );
    for kind in ErrorKind::ALL {
        let problem = problem_type(kind);
        let _ = write!(
            out,
            "<h3 id=\"problem-{slug}\">{title}<span class=\"badge\">{status}</span></h3><p class=\"route\">/docs#problem-{slug}</p><p>{meaning}</p>",
            slug = problem.slug,
            title = escape(problem.title),
            status = problem.status.as_u16(),
            meaning = inline(problem.meaning),
        );
    }
    out
}

fn paragraphs(text: &str) -> String {
    text.split("\n\n")
        .filter(|part| !part.trim().is_empty())
        .fold(String::new(), |mut out, part| {
            let _ = write!(out, "<p>{}</p>", inline(part));
            out
        })
}

/// Escapes a text and shows what stands between backticks as code, between asterisks as emphasis.
fn inline(text: &str) -> String {
    let between = |text: &str, mark: char, tag: &str| {
        let mut out = String::new();
        for (place, part) in text.split(mark).enumerate() {
            if place > 0 {
                let slash = if place % 2 == 0 { "/" } else { "" };
                let _ = write!(out, "<{slash}{tag}>");
            }
            out.push_str(part);
        }
        out
    };
    between(&between(&escape(text), '`', "code"), '*', "em")
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_every_operation_schema_and_problem_and_loads_nothing() {
        let document = crate::openapi::document();
        let page = render(&document);
        let value = serde_json::to_value(&document).unwrap();
        for (path, _) in value["paths"].as_object().unwrap() {
            assert!(page.contains(&escape(path)), "{path}");
        }
        for (name, _) in value["components"]["schemas"].as_object().unwrap() {
            assert!(page.contains(&format!("id=\"schema-{name}\"")), "{name}");
        }
        for kind in ErrorKind::ALL {
            assert!(page.contains(&format!("id=\"problem-{}\"", problem_type(kind).slug)));
        }
        for outside in ["<script", "<link", "<img", "src=", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn every_link_within_the_page_has_its_target() {
        let page = render(&crate::openapi::document());
        for link in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(page.contains(&format!("id=\"{link}\"")), "{link}");
        }
    }
}
