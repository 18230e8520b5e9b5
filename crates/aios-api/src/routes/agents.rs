//! Agents: listed, searched, read, published, edited, withdrawn.

use actix_web::http::header::{self, ETAG, HeaderValue, LINK, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use aios_domain::{
    AgentField, AgentFieldSet, AgentFilter, AgentId, AgentSort, CategoryName, Error, Invalid, MAX_TAGS, Rating,
    SearchQuery, Tag,
};
use aios_marketplace::{AgentListQuery, Listing, Marketplace, PageRequest, Precondition, Shown, revision};
use futures_util::future::BoxFuture;

use super::id;
use crate::Api;
use crate::auth::{Anybody, SignedIn};
use crate::body::Json;
use crate::delivery::{Canonical, Class, Draft, Own, Question, Route};
use crate::params::{Params, boolean, list as read_list};
use crate::problem::{Problem, ProblemDocument};
use crate::wire::{Agent, AgentDraft, AgentList, AgentPatch, AgentSearch, PricingModelName, SortName, min_rating};

/// The most agents that `ids` names.
const MAX_IDS: usize = 100;

/// List agents
///
/// The active agents that pass every filter, page by page. Follow `next_cursor` (or the header `Link`) to walk them all;
/// numbered pages are there for those who need them.
#[utoipa::path(
    get, path = "/api/v1/marketplace/agents", tag = "Marketplace",
    params(
        ("category" = Option<String>, Query, description = "In this category.", example = "development"),
        ("tags" = Option<String>, Query, description = "Bearing any of these tags, parted by commas; at most 20.", example = "email,triage"),
        ("search" = Option<String>, Query, description = "Words, or beginnings of words, in name, description, tags and capabilities; all must be found. Where nothing is, words that may be misspelt are forgiven."),
        ("pricing_model" = Option<PricingModelName>, Query, description = "Sold this way."),
        ("min_rating" = Option<f64>, Query, description = "Rated at least this well on average, 0 to 5."),
        ("is_verified" = Option<bool>, Query, description = "Verified, or not."),
        ("is_featured" = Option<bool>, Query, description = "Featured, or not."),
        ("sort" = Option<SortName>, Query, description = "`popular` unless told otherwise; `relevance` needs a search."),
        ("page" = Option<u32>, Query, description = "The page's number, from 1. Past the first 10,000 rows a page may begin where it did up to ten minutes ago; cursors are always exact.", minimum = 1, maximum = 1_000_000),
        ("limit" = Option<u32>, Query, description = "Agents a page; 20 unless told otherwise.", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "A cursor of a former page with the same filters and sort, instead of `page`."),
        ("ids" = Option<String>, Query, description = "These agents, in this order, parted by commas; at most 100. Other filters do not apply."),
        ("fields" = Option<String>, Query, description = "Only these fields of each agent, parted by commas.", example = "id,name"),
        ("count" = Option<String>, Query, description = "Whether `total` is counted: `exact`, `estimated` or `none`."),
    ),
    responses((
        status = 200, description = "A page of agents.", body = AgentList<'_>,
        headers(("Link" = String, description = "`first`, `prev`, `next`, and `last` where pages are numbered (RFC 8288).")),
    )),
)]
pub(crate) async fn list(request: HttpRequest, api: web::Data<Api>) -> Result<HttpResponse, Problem> {
    let mut params = Params::of(&request);
    let filter = filter(&mut params);
    let fields = params.optional("fields", field_set).unwrap_or(AgentFieldSet::ALL);
    let ids = params.optional("ids", |text| read_list(text, MAX_IDS, str::parse::<AgentId>));
    let sort = sort(&mut params, filter.search.is_some());
    let page = params.page(100, 20);
    params.finish()?;
    if let Some(ids) = ids {
        return by_ids(&request, &api, ids, fields).await;
    }
    let query = AgentListQuery { filter, sort, fields };
    let asked = Canonical::agents(&query, &page);
    let question = asked.question(Route::Agents);
    let keeping = (Class::List, api.marketplace.keeping(Shown::AgentPage(&query, &page)));
    let load = agent_page(asked, query, page);
    api.delivery.answer(&request, question, keeping, load).await
}

/// Makes the answer with a page of agents.
fn agent_page(
    asked: Canonical,
    query: AgentListQuery,
    page: PageRequest,
) -> impl FnOnce(Marketplace) -> BoxFuture<'static, Result<Draft, Error>> + Send {
    move |marketplace| {
        Box::pin(async move {
            let listing = marketplace.agent_list(query, page).await?;
            let draft = Draft::json(&AgentList::from(&*listing))?.read(listing.age(), listing.was_kept(), &marketplace);
            let draft = draft.fresh_for(listing.fresh_for()).tags(listing.tags());
            Ok(draft.header(LINK, asked.links(&listing)))
        })
    }
}

/// The agents that were named, as one page.
async fn by_ids(
    request: &HttpRequest,
    api: &Api,
    ids: Vec<AgentId>,
    fields: AgentFieldSet,
) -> Result<HttpResponse, Problem> {
    let asked = Canonical::agents_by_id(&ids, fields);
    let question = asked.question(Route::Agents);
    let keeping = (Class::List, api.marketplace.keeping(Shown::AgentsById(&ids)));
    let load = async move |marketplace: Marketplace| {
        let (items, fresh_for) = marketplace.agents_by_ids(&ids, fields).await?;
        let listing = Listing {
            total: i64::try_from(items.len()).ok(),
            items,
            page: Some(1),
            limit: u32::try_from(ids.len().max(1)).unwrap_or(u32::MAX),
            next_cursor: None,
            prev_cursor: None,
        };
        let draft = Draft::json(&AgentList::from(&listing))?.fresh_for(fresh_for);
        Ok(draft.header(LINK, asked.links(&listing)))
    };
    api.delivery.answer(request, question, keeping, load).await
}

fn filter(params: &mut Params<'_>) -> AgentFilter {
    AgentFilter {
        category: params.optional("category", |text| CategoryName::new(text)),
        tags: params
            .optional("tags", |text| read_list(text, MAX_TAGS, |tag| Tag::new(tag)))
            .unwrap_or_default(),
        search: params.optional("search", search_query).flatten(),
        pricing_model: params.optional("pricing_model", str::parse),
        min_rating: params.optional("min_rating", |text| {
            let stars = text.parse().map_err(|_| Invalid::new("must be between 0 and 5"))?;
            min_rating(stars)
        }),
        is_verified: params.optional("is_verified", boolean),
        is_featured: params.optional("is_featured", boolean),
    }
}

/// A search of nothing but white space is none.
fn search_query(text: &str) -> Result<Option<SearchQuery>, Invalid> {
    if text.trim().is_empty() {
        Ok(None)
    } else {
        SearchQuery::new(text).map(Some)
    }
}

fn sort(params: &mut Params<'_>, is_search: bool) -> AgentSort {
    let sort = params.optional("sort", str::parse).unwrap_or_default();
    if sort == AgentSort::Relevance && !is_search {
        params.refuse("sort", "must not be relevance without a search");
    }
    sort
}

fn field_set(text: &str) -> Result<AgentFieldSet, Invalid> {
    let fields = read_list(text, AgentField::ALL.len(), str::parse::<AgentField>)?;
    if fields.is_empty() {
        Ok(AgentFieldSet::ALL)
    } else {
        Ok(fields.into_iter().collect())
    }
}

/// Search agents
///
/// The same as the list, for clients that would rather send a body. Best matches first, unless told otherwise.
#[utoipa::path(
    post, path = "/api/v1/marketplace/agents/search", tag = "Marketplace",
    request_body = AgentSearch,
    responses((status = 200, description = "A page of agents.", body = AgentList<'_>)),
)]
pub(crate) async fn search(
    request: HttpRequest,
    api: web::Data<Api>,
    Json(body): Json<AgentSearch>,
) -> Result<HttpResponse, Problem> {
    let (query, page) = body.check()?;
    // The same question as a list's.
    let asked = Canonical::agents(&query, &page);
    let question = asked.question(Route::Agents);
    let keeping = (Class::List, api.marketplace.keeping(Shown::AgentPage(&query, &page)));
    let load = agent_page(asked, query, page);
    api.delivery.posted(&request, &question, keeping, load).await
}

/// Read an agent
///
/// Counts a view. With a token, `user_installed` and `user_rating` say how the caller stands to it.
#[utoipa::path(
    get, path = "/api/v1/marketplace/agents/{id}", tag = "Marketplace",
    params(("id" = String, Path, description = "The agent's id.")),
    responses((
        status = 200, description = "The agent.", body = Agent,
        headers(("ETag" = String, description = "Names this state of the agent; send it as `If-Match` with an edit.")),
    )),
    security((), ("bearer" = [])),
)]
pub(crate) async fn read(
    request: HttpRequest,
    api: web::Data<Api>,
    Anybody(caller): Anybody,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let agent: AgentId = id(&path, "agent")?;
    let question = Question {
        viewed: Some(agent),
        ..Canonical::path(format!("/api/v1/marketplace/agents/{agent}")).question(Route::Agent)
    };
    let keeping = (Class::Subject, api.marketplace.keeping(Shown::Agent(agent)));
    let load = async move |marketplace: Marketplace| {
        let (agent, kept) = marketplace.agent_shared(agent).await?;
        let draft = Draft::json(&Agent::from(agent.as_ref()))?.shows(&kept, &marketplace);
        draft.revision(revision(&agent)).gap(NOBODYS_STANDING)
    };
    let Some(caller) = caller else {
        return api.delivery.answer(&request, question, keeping, load).await;
    };
    let own = async {
        let standing = api.marketplace.agent_standing(&caller, agent).await?;
        Ok(own(standing))
    };
    api.delivery.own(&request, &question, keeping, load, own).await
}

/// How the agent that everybody sees ends.
const NOBODYS_STANDING: &str = r#""user_installed":null,"user_rating":null}"#;

/// How it ends for a caller.
fn own((is_installed, rating): (bool, Option<Rating>)) -> Own {
    let stars = rating.map_or_else(|| "null".to_owned(), |rating| rating.stars().to_string());
    Own {
        end: format!(r#""user_installed":{is_installed},"user_rating":{stars}}}"#),
        mark: format!("own-{is_installed}-{stars}"),
    }
}

/// Publish an agent
///
/// The caller is its author. It is listed at once.
#[utoipa::path(
    post, path = "/api/v1/marketplace/agents", tag = "Marketplace",
    request_body = AgentDraft,
    responses((
        status = 201, description = "The agent that was published.", body = Agent,
        headers(
            ("Location" = String, description = "Where the agent is."),
            ("ETag" = String, description = "Names this state of the agent."),
        ),
    )),
    security(("bearer" = [])),
)]
pub(crate) async fn create(
    api: web::Data<Api>,
    SignedIn(caller): SignedIn,
    Json(body): Json<AgentDraft>,
) -> Result<HttpResponse, Problem> {
    let agent = api.marketplace.agent_create(&caller, body.check()?).await?;
    let mut response = HttpResponse::Created();
    response.insert_header((LOCATION, format!("/api/v1/marketplace/agents/{}", agent.summary.id)));
    Ok(agent_answer(response, revision(&agent), &Agent::from(&agent)))
}

/// Edit an agent
///
/// For its author and admins; `is_verified`, `is_featured` and `is_active` are for admins alone. With `If-Match` the edit is
/// done only if nobody else has edited the agent since it was read.
#[utoipa::path(
    patch, path = "/api/v1/marketplace/agents/{id}", tag = "Marketplace",
    params(
        ("id" = String, Path, description = "The agent's id."),
        ("If-Match" = Option<String>, Header, description = "The ETag of the state that the edit is meant for."),
    ),
    request_body = AgentPatch,
    responses(
        (status = 200, description = "The agent as it is now.", body = Agent,
            headers(("ETag" = String, description = "Names this state of the agent."))),
        (status = 412, description = "It was edited meanwhile.", body = ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn update(
    request: HttpRequest,
    api: web::Data<Api>,
    SignedIn(caller): SignedIn,
    path: web::Path<String>,
    Json(body): Json<AgentPatch>,
) -> Result<HttpResponse, Problem> {
    let id = id(&path, "agent")?;
    let agent = api
        .marketplace
        .agent_update(&caller, id, body.check()?, precondition(&request))
        .await?;
    Ok(agent_answer(HttpResponse::Ok(), revision(&agent), &Agent::from(&agent)))
}

/// Withdraw an agent
///
/// It is no longer listed. Who has it installed keeps it.
#[utoipa::path(
    delete, path = "/api/v1/marketplace/agents/{id}", tag = "Marketplace",
    params(("id" = String, Path, description = "The agent's id.")),
    responses((status = 204, description = "It is withdrawn.")),
    security(("bearer" = [])),
)]
pub(crate) async fn withdraw(
    api: web::Data<Api>,
    SignedIn(caller): SignedIn,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    api.marketplace.agent_withdraw(&caller, id(&path, "agent")?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The answer to an edit: the agent for its editor alone, and its revision as ETag, by which the next edit is guarded.
fn agent_answer(mut response: actix_web::HttpResponseBuilder, revision: i64, agent: &Agent) -> HttpResponse {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{revision:x}-edit\"")) {
        response.insert_header((ETAG, tag));
    }
    response.json(agent)
}

/// `If-Match` (RFC 9110, section 13.1.1). `*` asks for the agent to exist, which an edit asks for anyway. A tag guards the
/// revision it names: that counters moved since it was read is no reason to refuse an edit. Weak tags never match.
fn precondition(request: &HttpRequest) -> Precondition {
    let mut revisions = Vec::new();
    let mut is_there = false;
    for value in request.headers().get_all(header::IF_MATCH) {
        is_there = true;
        for tag in value.to_str().unwrap_or_default().split(',').map(str::trim) {
            if tag == "*" {
                return Precondition::None;
            }
            let quoted = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            let revision = quoted.and_then(|tag| tag.split('-').next());
            revisions.extend(revision.and_then(|revision| i64::from_str_radix(revision, 16).ok()));
        }
    }
    if is_there {
        Precondition::RevisionIn(revisions)
    } else {
        Precondition::None
    }
}
