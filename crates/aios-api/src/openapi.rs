//! The OpenAPI 3.1 document, made from the handlers and the wire types.

use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, HeaderBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi as _};

use crate::delivery::Route;
use crate::problem::{InvalidField, ProblemDocument};
use crate::routes;

/// The document as JSON, indented, as it is served and as it is kept in the repository for review.
pub fn openapi_json() -> String {
    // A document of strings and numbers always serialises.
    document().to_pretty_json().unwrap_or_default()
}

pub(crate) fn document() -> OpenApi {
    Document::openapi()
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "AIOS Marketplace",
        description = "Browse, search, rate and install AI agents.\n\nBodies are JSON in UTF-8, times are RFC 3339 in UTC. \
            Failures are problem documents (RFC 9457); each type is explained under *Problems*. Every answer carries \
            `X-Request-Id`. Unknown query parameters are ignored.",
        license(name = "MIT", identifier = "MIT"),
    ),
    paths(
        routes::stats::marketplace,
        routes::agents::list,
        routes::agents::create,
        routes::agents::search,
        routes::agents::read,
        routes::agents::update,
        routes::agents::withdraw,
        routes::stats::agent,
        routes::categories::list,
        routes::categories::create,
        routes::categories::counts,
        routes::installations::install,
        routes::installations::uninstall,
        routes::installations::event,
        routes::installations::mine,
        routes::reviews::list,
        routes::reviews::write,
        routes::knowledge::create,
        routes::knowledge::list,
        routes::knowledge::read,
        routes::knowledge::replace,
        routes::knowledge::remove,
        routes::knowledge::search,
        crate::batch::batch,
        routes::queries::list,
        routes::queries::plan,
        routes::queries::advice,
        routes::operations::alive,
        routes::operations::ready,
        routes::operations::health,
        routes::operations::metrics,
        routes::operations::openapi,
        routes::operations::docs,
        routes::operations::monitoring,
        routes::operations::root,
    ),
    components(schemas(ProblemDocument, InvalidField)),
    tags(
        (name = "Marketplace", description = "Agents and categories."),
        (name = "Installations", description = "What users have installed, and what they do with it."),
        (name = "Reviews", description = "What users think of agents."),
        (name = "Knowledge", description = "Texts that a user keeps; nobody else sees them."),
        (name = "Batches", description = "Several reads in one request."),
        (name = "Operations", description = "For those who run the server and those who build on it."),
    ),
    modifiers(&Bearer, &Problems),
)]
struct Document;

/// How callers sign in.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some(
                "Claims: `sub` (the user's id, a UUID), `exp`, and optionally `email` and `roles: [\"admin\"]`.",
            ))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// The failures that follow from what an operation takes, so that no handler has to repeat them.
struct Problems;

/// Status, name among the components, and what it says.
const COMMON: [(u16, &str, &str); 12] = [
    (
        400,
        "Malformed",
        "The request can't be read, or a cursor is not valid here.",
    ),
    (401, "Unauthenticated", "A valid token is needed."),
    (403, "Forbidden", "The caller may not do this."),
    (404, "NotFound", "There is no such thing, or not for this caller."),
    (
        406,
        "NotAcceptable",
        "`Accept-Encoding` refuses every coding that there is.",
    ),
    (408, "TooSlow", "The body was not there in time."),
    (413, "PayloadTooLarge", "The body is larger than 1 MiB."),
    (415, "UnsupportedMediaType", "The body is not JSON."),
    (
        422,
        "Invalid",
        "A value is not acceptable; `errors` says which and why.",
    ),
    (
        431,
        "HeadersTooLarge",
        "The path and the headers are larger than 32 KiB together.",
    ),
    (500, "Internal", "The server is at fault."),
    (
        503,
        "Unavailable",
        "The server can't answer now, or the request took too long. `Retry-After` says when to try again.",
    ),
];

impl Modify for Problems {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        for (status, name, description) in COMMON {
            components
                .responses
                .insert(name.to_owned(), RefOr::T(problem_response(status, description)));
        }
        for (path, item) in &mut document.paths.paths {
            let has_id = path.contains("{id}");
            let methods = [
                &mut item.get,
                &mut item.put,
                &mut item.post,
                &mut item.delete,
                &mut item.patch,
            ];
            for operation in methods.into_iter().flatten() {
                add_problems(operation, has_id, path);
            }
            if let Some(read) = item.get.as_mut().filter(|_| is_kept(path)) {
                add_validation(read);
            }
        }
    }
}

/// Whether a path's answers to `GET` are kept, validated, and sent in several codings.
fn is_kept(path: &str) -> bool {
    Route::ALL.iter().any(|route| route.pattern() == path)
}

/// What the answers to such a `GET` say of themselves, and that there may be none.
fn add_validation(operation: &mut Operation) {
    let conditions = [
        ("If-None-Match", "ETags of what the client has, or `*`."),
        (
            "If-Modified-Since",
            "The `Last-Modified` of what the client has; `If-None-Match` takes precedence.",
        ),
        (
            "Accept-Encoding",
            "Which of `br`, `zstd` and `gzip` the client takes, by q-values.",
        ),
    ];
    for (name, meaning) in conditions {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .description(Some(meaning))
            .schema(Some(Object::with_type(Type::String)))
            .build();
        operation.parameters.get_or_insert_default().push(RefOr::T(parameter));
    }
    let header = |meaning: &str| HeaderBuilder::new().description(Some(meaning)).build();
    let mut not_modified = ResponseBuilder::new().description("The client has it already.");
    let responses = &mut operation.responses.responses;
    for (name, meaning) in VALIDATION {
        not_modified = not_modified.header(name, header(meaning));
        if let Some(RefOr::T(whole)) = responses.get_mut("200") {
            whole
                .headers
                .entry(name.to_owned())
                .or_insert_with(|| RefOr::T(header(meaning)));
        }
    }
    responses.insert("304".to_owned(), not_modified.build().into());
}

/// Headers of a kept answer.
const VALIDATION: [(&str, &str); 5] = [
    ("ETag", "Names these very bytes, in this coding."),
    (
        "Vary",
        "`Accept-Encoding`, and `Authorization` where callers get different answers.",
    ),
    (
        "Cache-Control",
        "How long it may be used again: `public`, or `private, no-store` where it is for the caller alone. Shared caches \
         find `CDN-Cache-Control`, `Cache-Tag` and `Surrogate-Key` beside it.",
    ),
    ("Cache-Status", "How this server's cache came by it (RFC 9211)."),
    ("Server-Timing", "What it took, in milliseconds."),
];

fn add_problems(operation: &mut Operation, has_id: bool, path: &str) {
    let has_body = operation.request_body.is_some();
    let is_read = !has_body && !operation.responses.responses.keys().any(|status| status == "204");
    let parameters = operation
        .parameters
        .iter()
        .flatten()
        .filter_map(|parameter| match parameter {
            RefOr::T(parameter) => Some(parameter),
            RefOr::Ref(_) => None,
        });
    let has_query = parameters.clone().any(|p| p.parameter_in == ParameterIn::Query);
    let has_cursor = parameters.clone().any(|p| p.name == "cursor") || path.ends_with("/agents/search");
    let is_signed_in = operation.security.is_some();
    let is_api = path.starts_with("/api/");
    let can_be_forbidden = is_signed_in
        && (path.starts_with("/api/v1/admin/")
            || path.ends_with("/{id}/stats")
            || (path.ends_with("/categories") && has_body)
            || (path.ends_with("/agents/{id}") && !is_public_read(operation)));
    for (status, name, _) in COMMON {
        let applies = match status {
            400 => has_body || has_cursor,
            // A batch is never refused for its token: its parts are.
            401 => is_signed_in && path != crate::batch::PATH,
            403 => can_be_forbidden,
            404 => has_id || path == "/metrics",
            406 => is_kept(path) && is_read || path.ends_with("/agents/search"),
            408 | 413 | 415 => has_body,
            422 => has_body || has_query,
            431 | 503 => is_api,
            _ => true,
        };
        if applies {
            let reference = RefOr::Ref(Ref::from_response_name(name));
            operation
                .responses
                .responses
                .entry(status.to_string())
                .or_insert(reference);
        }
    }
}

/// Whether anybody may make the request: an empty requirement stands among the alternatives.
fn is_public_read(operation: &Operation) -> bool {
    operation
        .security
        .iter()
        .flatten()
        .any(|requirement| *requirement == SecurityRequirement::default())
}

fn problem_response(status: u16, description: &str) -> Response {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    let mut response = ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content);
    for (of, name, meaning) in HEADERS {
        if of == status {
            let header = HeaderBuilder::new().description(Some(meaning)).build();
            response = response.header(name, header);
        }
    }
    response.build()
}

/// Headers of failures: of which status, which, and what it says.
const HEADERS: [(u16, &str, &str); 2] = [
    (401, "WWW-Authenticate", "`Bearer`."),
    (
        503,
        "Retry-After",
        "After how many seconds the same request may succeed.",
    ),
];
