//! Names that people can read, out of names made for machines: `io.github.owner/postgres-mcp-server` is PostgreSQL.

use aios_domain::{AgentName, Invalid, RegistryName};

/// Words that say nothing about one server in particular. A name of such words alone is preceded by its owner's.
const GENERAL: &[&str] = &[
    "a",
    "agent",
    "agents",
    "ai",
    "any",
    "app",
    "assistant",
    "awesome",
    "badges",
    "chat",
    "cli",
    "client",
    "code",
    "community",
    "connector",
    "context",
    "create",
    "database",
    "demo",
    "desktop",
    "directory",
    "docs",
    "easy",
    "email",
    "example",
    "fetch",
    "filesystem",
    "for",
    "framework",
    "gateway",
    "git",
    "hub",
    "installer",
    "integration",
    "json",
    "kit",
    "llm",
    "local",
    "manager",
    "marketplace",
    "mcp",
    "memory",
    "modelcontextprotocol",
    "my",
    "official",
    "platform",
    "proxy",
    "py",
    "python",
    "rag",
    "registry",
    "remote",
    "room",
    "router",
    "sample",
    "sdk",
    "search",
    "server",
    "servers",
    "service",
    "tasks",
    "template",
    "terminal",
    "the",
    "tool",
    "toolbox",
    "toolkit",
    "tools",
    "typescript",
    "utils",
    "weather",
    "web",
];

/// Words that only say what every entry is.
const KIND: &[&str] = &[
    "context", "for", "mcp", "model", "mpc", "protocol", "py", "server", "servers",
];

/// Words at the end of a name that say in which language the server is written.
const LANGUAGES: &[&str] = &["go", "js", "node", "python", "rs", "rust", "ts", "typescript"];

/// How words are spelt that are not simply capitalised.
const SPELLINGS: &[(&str, &str)] = &[
    ("ai", "AI"),
    ("api", "API"),
    ("apis", "APIs"),
    ("arangodb", "ArangoDB"),
    ("aws", "AWS"),
    ("bigquery", "BigQuery"),
    ("cli", "CLI"),
    ("clickhouse", "ClickHouse"),
    ("clickup", "ClickUp"),
    ("cms", "CMS"),
    ("crm", "CRM"),
    ("csv", "CSV"),
    ("db", "DB"),
    ("deepseek", "DeepSeek"),
    ("devops", "DevOps"),
    ("dns", "DNS"),
    ("duckdb", "DuckDB"),
    ("elevenlabs", "ElevenLabs"),
    ("evm", "EVM"),
    ("fastapi", "FastAPI"),
    ("fastmcp", "FastMCP"),
    ("genai", "GenAI"),
    ("github", "GitHub"),
    ("gitlab", "GitLab"),
    ("graphql", "GraphQL"),
    ("greptimedb", "GreptimeDB"),
    ("hdw", "HDW"),
    ("html", "HTML"),
    ("http", "HTTP"),
    ("hubspot", "HubSpot"),
    ("ical", "iCal"),
    ("id", "ID"),
    ("influxdb", "InfluxDB"),
    ("ios", "iOS"),
    ("iotdb", "IoTDB"),
    ("iterm", "iTerm"),
    ("jetbrains", "JetBrains"),
    ("jmeter", "JMeter"),
    ("json", "JSON"),
    ("k8s", "K8s"),
    ("kicad", "KiCad"),
    ("linkedin", "LinkedIn"),
    ("lldb", "LLDB"),
    ("llm", "LLM"),
    ("llms", "LLMs"),
    ("lsp", "LSP"),
    ("macos", "macOS"),
    ("mariadb", "MariaDB"),
    ("mcp", "MCP"),
    ("mongo", "MongoDB"),
    ("mongodb", "MongoDB"),
    ("mssql", "MSSQL"),
    ("mysql", "MySQL"),
    ("nasa", "NASA"),
    ("nba", "NBA"),
    ("neo4j", "Neo4j"),
    ("nextjs", "Next.js"),
    ("oceanbase", "OceanBase"),
    ("onchain", "Onchain"),
    ("openai", "OpenAI"),
    ("openapi", "OpenAPI"),
    ("opendota", "OpenDota"),
    ("openrpc", "OpenRPC"),
    ("pdf", "PDF"),
    ("postgres", "PostgreSQL"),
    ("postgresql", "PostgreSQL"),
    ("powerpoint", "PowerPoint"),
    ("qgis", "QGIS"),
    ("rabbitmq", "RabbitMQ"),
    ("rag", "RAG"),
    ("rss", "RSS"),
    ("s3", "S3"),
    ("sdk", "SDK"),
    ("searxng", "SearXNG"),
    ("sec", "SEC"),
    ("seo", "SEO"),
    ("servicenow", "ServiceNow"),
    ("singlestore", "SingleStore"),
    ("sql", "SQL"),
    ("sqlite", "SQLite"),
    ("ssh", "SSH"),
    ("tft", "TFT"),
    ("ticktick", "TickTick"),
    ("tmdb", "TMDB"),
    ("ui", "UI"),
    ("url", "URL"),
    ("webflow", "Webflow"),
    ("whatsapp", "WhatsApp"),
    ("xml", "XML"),
    ("youtube", "YouTube"),
];

/// The name of the server made readable: the last part of the registry's name without the words that all of them have.
pub(super) fn readable(registry_name: &RegistryName) -> Result<AgentName, Invalid> {
    let full = registry_name.as_str();
    let last = full.rsplit('/').next().unwrap_or(full);
    let words = words_of(last);
    let own = own(&words);
    let text = if own.iter().all(|word| GENERAL.contains(&word.as_str())) {
        let owner = words_of(owner(full));
        spelt(&if owner == words { words } else { [owner, words].concat() })
    } else {
        spelt(&own)
    };
    AgentName::new(&text).map_err(|invalid| Invalid::new(format!("name {invalid}")))
}

/// Who publishes it: `owner` of `io.github.owner/server`, `example` of `com.example.tools/server`.
pub(super) fn owner(registry_name: &str) -> &str {
    let Some((namespace, _)) = registry_name.rsplit_once('/') else {
        return registry_name;
    };
    let mut labels = namespace.split('.');
    let hosted = namespace.starts_with("io.github.") || namespace.starts_with("com.gitlab.");
    labels.nth(if hosted { 2 } else { 1 }).unwrap_or(namespace)
}

/// The words in lower case. A kind that is glued to a word is taken off: `kagimcp` is `kagi`.
fn words_of(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .map(|word| {
            let bare = word.strip_suffix("mcpserver").or(word.strip_suffix("mcp"));
            let is_known = SPELLINGS.iter().any(|(plain, _)| *plain == word);
            bare.filter(|bare| bare.len() >= 3 && !is_known)
                .map_or_else(|| word.clone(), str::to_owned)
        })
        .collect()
}

/// The words that are its own: without those of the kind, and without the language it is written in.
fn own(words: &[String]) -> Vec<String> {
    let mut own: Vec<String> = words
        .iter()
        .filter(|word| !KIND.contains(&word.as_str()))
        .cloned()
        .collect();
    if own.len() > 1 && own.last().is_some_and(|last| LANGUAGES.contains(&last.as_str())) {
        own.pop();
    }
    own
}

fn spelt(words: &[String]) -> String {
    let spell = |word: &String| match SPELLINGS.iter().find(|(plain, _)| plain == word) {
        Some((_, spelling)) => (*spelling).to_owned(),
        None => capitalised(word),
    };
    words.iter().map(spell).collect::<Vec<_>>().join(" ")
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_every_server_has() {
        for (registry_name, name) in [
            ("io.github.owner/mcp-server-elasticsearch", "Elasticsearch"),
            ("io.github.owner/postgres-mcp-server", "PostgreSQL"),
            ("io.github.owner/browser_use.mcp", "Browser Use"),
            ("io.github.owner/mcp", "Owner MCP"),
            ("io.github.owner/agent-toolkit", "Owner Agent Toolkit"),
            ("com.example.tools/mcp-proxy", "Example MCP Proxy"),
            ("io.github.owner/kagimcp", "Kagi"),
            ("io.github.owner/fastmcp", "FastMCP"),
            ("io.github.owner/mcp-linear-go", "Linear"),
            ("io.github.owner/keycloak-model-context-protocol", "Keycloak"),
            ("io.github.mcp-router/mcp-router", "MCP Router"),
            ("bare-name", "Bare Name"),
            ("io.github.owner/日本語", "日本語"),
        ] {
            let registry_name = RegistryName::new(registry_name).unwrap();
            assert_eq!(readable(&registry_name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn a_name_without_a_single_letter_is_refused() {
        assert!(readable(&RegistryName::new("--/--").unwrap()).is_err());
    }

    #[test]
    fn spellings_are_sorted_and_lower_case() {
        assert!(SPELLINGS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(SPELLINGS.iter().all(|(plain, _)| plain.to_lowercase() == *plain));
    }
}
