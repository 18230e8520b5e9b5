//! One entry of a dump, in any format, as a draft of an agent.

use aios_domain::{
    AgentDraft, AgentName, AgentType, Description, HttpUrl, Invalid, JsonObject, Pricing, RegistryName, Timestamp,
    Version,
};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::RegistryEntry;
use super::derive::{self, Evidence};
use super::document::{Node, OFFICIAL};
use super::{name, settings};

/// What every imported agent is.
const AGENT_TYPE: &str = "mcp-server";
/// Longer than any web address: what a package or an address may be called.
const MAX_TEXT: usize = 2_048;
/// More packages or addresses than any server has.
const MAX_LIST: usize = 100;

/// Reads one entry; the message of the error names the field that is wrong.
pub(super) fn read(position: usize, value: &Value) -> Result<RegistryEntry, Invalid> {
    let outer = Node::root(value)?;
    // The current listing wraps a server.json object, earlier ones put everything on one level.
    let server = outer.object(&["server"])?.unwrap_or_else(|| outer.clone());
    let official = official(&outer, &server)?;
    let status = status(&server, official.as_ref())?;
    if status == Some("deleted") {
        return Err(Invalid::new("was withdrawn from the registry (status deleted)"));
    }

    let registry_name = server
        .checked(&["name"], |text| RegistryName::new(text))?
        .ok_or_else(|| server.wrong("name", "must not be missing or empty"))?;
    let detail = server.object(&["version_detail"])?;
    let packages = bounded(&server, "packages")?;
    let remotes = bounded(&server, "remotes")?;
    let draft = draft(&Parts {
        server: &server,
        registry_name: &registry_name,
        detail: detail.as_ref(),
        packages: &packages,
        remotes: &remotes,
        is_deprecated: status == Some("deprecated"),
    })?;
    Ok(RegistryEntry {
        released_at: released_at(detail.as_ref(), official.as_ref(), &server)?,
        is_latest: is_latest(detail.as_ref(), official.as_ref())?,
        registry_name,
        draft,
        position,
    })
}

/// What an entry consists of.
struct Parts<'a, 'j> {
    server: &'a Node<'j>,
    registry_name: &'a RegistryName,
    detail: Option<&'a Node<'j>>,
    packages: &'a [Node<'j>],
    remotes: &'a [Node<'j>],
    is_deprecated: bool,
}

fn draft(parts: &Parts<'_, '_>) -> Result<AgentDraft, Invalid> {
    let Parts {
        server,
        registry_name,
        detail,
        packages,
        remotes,
        is_deprecated,
    } = *parts;
    let name = match server.checked(&["title"], |text| AgentName::new(text))? {
        Some(title) => title,
        None => name::readable(registry_name)?,
    };
    let own_description = server.checked(&["description"], |text| Description::new(text))?;
    let requirements = requirements(server, packages, remotes)?;
    let derived = derive::derive(&Evidence {
        registry_name: registry_name.as_str(),
        name: name.as_str(),
        description: own_description.as_ref().map_or("", Description::as_str),
        packages: &package_registries(packages)?,
        is_remote: !remotes.is_empty(),
        is_deprecated,
    })?;
    Ok(AgentDraft {
        description: match own_description {
            Some(description) => description,
            None => Description::new(format!(
                "{name}, a server for the Model Context Protocol. Its publisher, {}, gives no description.",
                name::owner(registry_name.as_str())
            ))?,
        },
        category: derived.category,
        tags: derived.tags,
        version: version(server, detail, packages)?,
        icon_url: icon(server)?,
        capabilities: derived.capabilities,
        pricing: Pricing::FREE,
        repository_url: match server.object(&["repository"])? {
            Some(repository) => repository.checked(&["url"], repository_url)?,
            None => None,
        },
        agent_type: AgentType::new(AGENT_TYPE)?,
        requirements: JsonObject::new(requirements).map_err(|invalid| too_much("packages and remotes", &invalid))?,
        configuration_schema: JsonObject::new(settings::schema(packages)?)
            .map_err(|invalid| too_much("environment variables", &invalid))?,
        license: None,
        name,
    })
}

fn too_much(what: &str, invalid: &Invalid) -> Invalid {
    Invalid::new(format!("{what} {invalid}"))
}

/// What the registry itself says of the entry: beside the server in the current listing, within it in others.
fn official<'a>(outer: &Node<'a>, server: &Node<'a>) -> Result<Option<Node<'a>>, Invalid> {
    for node in [outer, server] {
        if let Some(meta) = node.object(&["_meta"])?
            && let Some(official) = meta.object(&[OFFICIAL])?
        {
            return Ok(Some(official));
        }
    }
    Ok(None)
}

fn status<'a>(server: &Node<'a>, official: Option<&Node<'a>>) -> Result<Option<&'a str>, Invalid> {
    let said = official
        .map(|official| official.text(&["status"]))
        .transpose()?
        .flatten();
    Ok(said.or(server.text(&["status"])?))
}

fn is_latest(detail: Option<&Node<'_>>, official: Option<&Node<'_>>) -> Result<Option<bool>, Invalid> {
    for node in [official, detail].into_iter().flatten() {
        if let Some(flag) = node.flag(&["isLatest", "is_latest"])? {
            return Ok(Some(flag));
        }
    }
    Ok(None)
}

fn released_at(
    detail: Option<&Node<'_>>,
    official: Option<&Node<'_>>,
    server: &Node<'_>,
) -> Result<Option<Timestamp>, Invalid> {
    for node in [official, detail, Some(server)].into_iter().flatten() {
        let date = node.checked(
            &["publishedAt", "published_at", "release_date", "releaseDate"],
            |text| {
                DateTime::parse_from_rfc3339(text)
                    .map(|date| aios_domain::to_microseconds(date.with_timezone(&Utc)))
                    .map_err(|_| Invalid::new("must be a date and time such as 2025-05-16T18:56:49Z"))
            },
        )?;
        if date.is_some() {
            return Ok(date);
        }
    }
    Ok(None)
}

/// The version of the entry; where it has none, that of its first package which has one.
fn version(server: &Node<'_>, detail: Option<&Node<'_>>, packages: &[Node<'_>]) -> Result<Version, Invalid> {
    let own = match detail {
        Some(detail) => detail.checked(&["version"], |text| Version::new(text))?,
        None => server.checked(&["version"], |text| Version::new(text))?,
    };
    if let Some(version) = own {
        return Ok(version);
    }
    for package in packages {
        if let Some(version) = package.text(&["version"])?.and_then(|text| Version::new(text).ok()) {
            return Ok(version);
        }
    }
    Err(server.wrong("version", "must not be missing or empty"))
}

/// The first icon on the web; icons in other places (`data:`) are passed over.
fn icon(server: &Node<'_>) -> Result<Option<HttpUrl>, Invalid> {
    for icon in server.objects(&["icons"])? {
        if let Some(url) = icon.text(&["src"])?.and_then(|src| HttpUrl::new(src).ok()) {
            return Ok(Some(url));
        }
    }
    Ok(None)
}

/// Publishers like to write the address by which a package manager fetches the source.
fn repository_url(text: &str) -> Result<HttpUrl, Invalid> {
    HttpUrl::new(text.strip_prefix("git+").unwrap_or(text))
}

fn bounded<'a>(server: &Node<'a>, name: &str) -> Result<Vec<Node<'a>>, Invalid> {
    let nodes = server.objects(&[name])?;
    if nodes.len() > MAX_LIST {
        return Err(server.wrong(name, &format!("must have at most {MAX_LIST} elements")));
    }
    Ok(nodes)
}

fn short<'a>(node: &Node<'a>, names: &[&str]) -> Result<Option<&'a str>, Invalid> {
    let text = node.text(names)?;
    if text.is_some_and(|text| text.chars().count() > MAX_TEXT) {
        let name = names.first().copied().unwrap_or_default();
        return Err(node.wrong(name, &format!("must be at most {MAX_TEXT} characters long")));
    }
    Ok(text)
}

/// Where a package comes from: `npm`, `pypi`, `docker` … The older dump says `unknown` where it does not know.
fn package_registry<'a>(package: &Node<'a>) -> Result<Option<&'a str>, Invalid> {
    let registry = short(package, &["registryType", "registry_type", "registry_name"])?;
    Ok(registry.filter(|registry| *registry != "unknown"))
}

fn package_registries<'a>(packages: &[Node<'a>]) -> Result<Vec<&'a str>, Invalid> {
    packages
        .iter()
        .filter_map(|package| package_registry(package).transpose())
        .collect()
}

/// What the agent needs in order to run: how it is installed, or where it already runs, and what must be set.
fn requirements(server: &Node<'_>, packages: &[Node<'_>], remotes: &[Node<'_>]) -> Result<Value, Invalid> {
    let mut all = Map::new();
    all.insert("protocol".to_owned(), json!("mcp"));
    let packages_json: Vec<Value> = packages.iter().map(package_json).collect::<Result<_, _>>()?;
    let remotes_json: Vec<Value> = remotes.iter().map(remote_json).collect::<Result<_, _>>()?;
    let environment = settings::names(packages)?;
    if !packages_json.is_empty() {
        all.insert("packages".to_owned(), Value::Array(packages_json));
    }
    if !remotes_json.is_empty() {
        all.insert("remotes".to_owned(), Value::Array(remotes_json));
    }
    if !environment.is_empty() {
        all.insert("environment".to_owned(), json!(environment));
    }
    if let Some(url) = server.checked(&["websiteUrl", "website_url"], |text| HttpUrl::new(text))? {
        all.insert("website_url".to_owned(), json!(url));
    }
    Ok(Value::Object(all))
}

fn package_json(package: &Node<'_>) -> Result<Value, Invalid> {
    let transport = package.object(&["transport"])?;
    let transport = transport
        .as_ref()
        .map(|transport| short(transport, &["type"]))
        .transpose()?;
    Ok(named([
        ("registry", package_registry(package)?),
        ("name", short(package, &["identifier", "name"])?),
        ("version", short(package, &["version"])?),
        ("runtime", short(package, &["runtimeHint", "runtime_hint"])?),
        ("transport", transport.flatten()),
    ]))
}

fn remote_json(remote: &Node<'_>) -> Result<Value, Invalid> {
    let url = short(remote, &["url"])?.ok_or_else(|| remote.wrong("url", "must not be missing or empty"))?;
    // Not checked further: addresses of remotes may hold `{placeholders}`.
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(remote.wrong("url", "must be an absolute http or https URL"));
    }
    Ok(named([
        ("transport", short(remote, &["type", "transport_type", "transport"])?),
        ("url", Some(url)),
    ]))
}

fn named<const N: usize>(fields: [(&str, Option<&str>); N]) -> Value {
    let known = fields
        .into_iter()
        .filter_map(|(name, text)| Some((name.to_owned(), json!(text?))));
    Value::Object(known.collect())
}
