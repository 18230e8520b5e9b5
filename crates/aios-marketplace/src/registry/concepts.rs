//! The table from which categories, tags and capabilities are derived: what words mean in the description of a server.
//!
//! Each row is one thing that servers are about. Words that nearly all of them use (server, tool, API, assistant, chat,
//! data on its own) mean nothing and stand in no row.

use Kind::{Analysis, Automation, Communication, Content, Development, Productivity};

/// A category that comes with the migrations. The order decides between equal scores: the narrower first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Communication,
    Content,
    Productivity,
    Automation,
    Analysis,
    Development,
}

impl Kind {
    pub(super) const ALL: [Self; 6] = [
        Self::Communication,
        Self::Content,
        Self::Productivity,
        Self::Automation,
        Self::Analysis,
        Self::Development,
    ];

    /// The category's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Communication => "communication",
            Self::Content => "content",
            Self::Productivity => "productivity",
            Self::Automation => "automation",
            Self::Analysis => "analysis",
            Self::Development => "development",
        }
    }
}

/// One thing that servers are about.
#[derive(Debug)]
pub(super) struct Concept {
    /// Any of these words, or runs of up to three words, stands for it. One that begins with `=` counts only in the
    /// name: in a sentence it may mean something else.
    pub(super) keywords: &'static [&'static str],
    /// The category it speaks for, and how clearly: 1 a hint, 2 likely, 3 certain.
    pub(super) category: Option<(Kind, u32)>,
    pub(super) tags: &'static [&'static str],
    pub(super) capability: Option<&'static str>,
}

const fn row(
    kind: Kind,
    weight: u32,
    keywords: &'static [&'static str],
    tags: &'static [&'static str],
    capability: &'static str,
) -> Concept {
    Concept {
        keywords,
        category: Some((kind, weight)),
        tags,
        capability: if capability.is_empty() { None } else { Some(capability) },
    }
}

const fn tag(keywords: &'static [&'static str], tags: &'static [&'static str]) -> Concept {
    Concept {
        keywords,
        category: None,
        tags,
        capability: None,
    }
}

#[rustfmt::skip] // A table: keywords, several a line.
pub(super) const CONCEPTS: &[Concept] = &[
    // Communication
    row(Communication, 3, &[
        "email", "emails", "gmail", "imap", "smtp", "outlook", "inbox", "mailgun", "mailbox", "sendgrid", "mailchimp",
        "resend",
    ], &["email"], "send-and-read-email"),
    row(Communication, 3, &[
        "slack", "discord", "telegram", "whatsapp", "imessage", "mattermost", "wechat", "zulip", "microsoft teams",
        "google chat", "matrix chat", "line messaging", "line bot", "=line", "lark", "feishu", "dingtalk",
    ], &["chat", "messaging"], "send-messages"),
    row(Communication, 2, &[
        "messaging", "sms", "chat messages", "twilio", "=messages", "=room", "=rooms",
    ], &["messaging"], "send-messages"),
    row(Communication, 3, &[
        "notification", "notifications", "ntfy", "pushover", "push notifications",
    ], &["notifications"], "send-notifications"),
    row(Communication, 3, &[
        "twitter", "tweet", "tweets", "tweeting", "linkedin", "bluesky", "mastodon", "reddit", "facebook", "instagram",
        "tiktok", "social media", "social networks", "discourse", "metricool",
    ], &["social-media"], "manage-social-media"),
    row(Communication, 3, &[
        "intercom", "zendesk", "freshdesk", "customer support", "customer service", "support tickets", "helpdesk",
        "help desk",
    ], &["customer-support"], "support-customers"),
    row(Communication, 3, &[
        "zoom", "video calls", "phone calls", "voice calls", "telephony", "voip", "google meet",
    ], &["meetings", "voice"], "hold-calls"),
    row(Communication, 1, &["messages", "conversations", "=teams"], &["messaging"], ""),

    // Content
    row(Content, 3, &[
        "image", "images", "image generation", "photo", "photos", "pictures", "gyazo", "unsplash", "pexels",
        "midjourney", "stable diffusion", "flux", "dall", "creatives", "comfyui", "cloudinary",
    ], &["images"], "create-images"),
    row(Content, 3, &[
        "video", "videos", "youtube", "vimeo", "ffmpeg", "davinci", "subtitles", "shorts", "webcam",
    ], &["video"], "work-with-video"),
    row(Content, 3, &[
        "audio", "music", "spotify", "ableton", "reaper", "podcast", "podcasts", "song", "songs", "midi", "elevenlabs",
        "text to speech", "tts", "speech",
    ], &["audio"], "work-with-audio"),
    row(Content, 3, &[
        "blender", "unreal", "3d", "3d models", "shader", "shaders", "shadertoy", "rendering", "cad",
    ], &["3d"], "model-in-3d"),
    row(Content, 3, &[
        "cms", "content management", "wordpress", "contentful", "drupal", "=ghost", "sanity", "strapi", "webflow",
        "blog", "blogging", "wix",
    ], &["cms", "publishing"], "manage-website-content"),
    row(Content, 3, &[
        "translation", "translate", "translations", "localization", "localisation", "multilingual", "deepl", "lara",
    ], &["translation"], "translate-text"),
    row(Content, 3, &[
        "copywriting", "creative writing", "=writing", "seo", "editorial", "screenwriting", "product marketing",
    ], &["writing"], "write-text"),
    row(Content, 2, &[
        "design", "designs", "canva", "sketch", "penpot", "illustration", "screenshot", "screenshots", "screenshotone",
        "thumbnail", "logo", "logos",
    ], &["design"], ""),
    row(Content, 2, &[
        "movie", "movies", "tmdb", "film", "films", "artwork", "museum", "artworks",
    ], &["media"], "look-up-media"),
    row(Content, 2, &[
        "markdown", "pandoc", "document conversion", "format conversion", "mermaid", "mindmap", "mind map", "mind maps",
        "latex", "markdownify",
    ], &["documents"], "convert-documents"),
    row(Content, 1, &["media"], &["media"], ""),

    // Productivity
    row(Productivity, 3, &[
        "calendar", "calendars", "ical", "caldav", "scheduling", "appointments", "calendly",
    ], &["calendar"], "manage-calendars"),
    row(Productivity, 3, &[
        "task management", "todo", "todos", "todoist", "ticktick", "gtasks", "google tasks", "reminders", "task lists",
        "=tasks", "=goals", "goalstory",
    ], &["tasks"], "manage-tasks"),
    row(Productivity, 3, &[
        "project management", "jira", "=linear", "asana", "trello", "clickup", "=monday", "productboard", "=plane",
        "kanban", "basecamp", "devrev", "dart ai", "fibery", "wrike", "holaspirit",
    ], &["project-management"], "manage-projects"),
    row(Productivity, 3, &[
        "notes", "note taking", "=notion", "notion pages", "notion workspace", "obsidian", "onenote", "evernote",
        "logseq", "joplin",
    ], &["notes"], "take-notes"),
    row(Productivity, 3, &[
        "spreadsheet", "spreadsheets", "excel", "google sheets", "=sheets", "airtable", "bitable", "kintone",
        "smartsheet",
    ], &["spreadsheets"], "edit-spreadsheets"),
    row(Productivity, 3, &[
        "powerpoint", "presentation", "presentations", "slides", "word documents", "docx", "microsoft word", "=word",
        "google docs", "=office",
    ], &["documents"], "edit-documents"),
    row(Productivity, 2, &[
        "google drive", "onedrive", "dropbox", "sharepoint", "=box", "box api", "file sharing", "document management",
    ], &["files"], "manage-files"),
    row(Productivity, 2, &[
        "pdf", "pdfs", "esignatures", "esignature", "signatures", "e signature", "docusign", "xmind",
    ], &["documents"], "work-with-documents"),
    row(Productivity, 3, &[
        "memory", "memories", "mem0", "knowledge management", "knowledge graph", "knowledge base", "second brain",
        "bookmarks", "bookmark", "raindrop", "confluence", "wiki", "kibela", "=outline", "rememberizer",
        "personal intelligence",
    ], &["knowledge-base"], "remember-and-recall"),
    row(Productivity, 3, &[
        "crm", "salesforce", "hubspot", "pipedrive", "zoho", "attio", "customer data",
    ], &["crm"], "manage-customers"),
    row(Productivity, 3, &[
        "accounting", "invoice", "invoices", "invoicing", "billing", "xero", "quickbooks", "expenses", "payroll",
        "ynab", "budgeting", "=ramp", "paddle", "stripe", "chargebee", "subscriptions", "payments", "payment", "paypal",
        "adfin",
    ], &["finance", "payments"], "manage-money"),
    row(Productivity, 2, &[
        "e commerce", "ecommerce", "shopify", "woocommerce", "product catalog",
    ], &["e-commerce"], "run-a-shop"),
    row(Productivity, 2, &[
        "flashcards", "flashcard", "anki", "e learning", "education", "educational", "quiz", "quizzes", "students",
        "courses", "rember",
    ], &["education"], "help-to-learn"),
    row(Productivity, 3, &[
        "travel", "flights", "flight", "hotels", "hotel", "airbnb", "booking", "bookings", "itinerary",
        "travel planner", "restaurant", "amadeus", "railways", "railway", "ticketmaster", "maps", "national parks",
        "nationalparks", "map traveler",
    ], &["travel"], "plan-journeys"),
    row(Productivity, 1, &[
        "personal assistant", "organize", "organise", "hr", "recruiting", "calculator", "calculating", "health",
        "fitness", "strava", "recipes", "recipe", "nutrition", "servicenow", "itsm",
    ], &[], ""),

    // Automation
    row(Automation, 3, &[
        "workflow", "workflows", "n8n", "zapier", "make com", "dify", "langflow", "automations", "airflow", "prefect",
        "rpa", "orchestration", "orchestrate", "actors", "pipelines", "integration app", "wxflows", "flowise",
        "temporal",
    ], &["workflow"], "run-workflows"),
    row(Automation, 1, &["automate", "automates", "automating", "automation"], &["workflow"], ""),
    row(Automation, 3, &[
        "browser automation", "control a browser", "=browser", "playwright", "puppeteer", "selenium",
        "headless browser", "hyperbrowser", "browserbase", "browse the web", "cloud browser", "chrome",
    ], &["browser"], "control-a-browser"),
    row(Automation, 3, &[
        "scraping", "web scraping", "scrape", "scraper", "crawl", "crawler", "crawling", "firecrawl", "extract data",
        "data extraction", "fetches html", "http fetching", "web content", "apify", "oxylabs", "bot protected",
        "http request", "=fetch",
    ], &["scraping"], "extract-from-websites"),
    row(Automation, 3, &[
        "home assistant", "homeassistant", "hass", "smart home", "iot", "mqtt", "arduino", "esp32", "robot", "robots",
        "robotics", "raspberry", "aranet4", "sensors", "device control", "philips hue",
    ], &["iot"], "control-devices"),
    row(Automation, 3, &[
        "applescript", "siri", "shortcuts", "desktop automation", "remote desktop", "macos", "android", "phone control",
        "mobile automation", "simulator", "simulators", "control your mac", "computer use", "hyprctl", "remote macos",
        "windows automation",
    ], &["device-control"], "control-a-computer"),
    row(Automation, 2, &[
        "message queue", "rabbitmq", "kafka", "webhook", "webhooks", "pubsub", "pulsar", "event driven",
    ], &["messaging", "integration"], "exchange-events"),
    row(Automation, 2, &[
        "swap", "swaps", "token swaps", "trading bot", "execute trades", "trade", "trades", "mint", "token transfer",
        "usdc", "wallet", "wallets", "defi", "defai", "smart contracts", "freqtrade", "trader", "metatrader",
        "agentic finance", "minter", "revoke", "allowances",
    ], &["crypto"], "move-digital-assets"),
    row(Automation, 2, &[
        "=integrations", "apps and services", "in the loop", "human approval", "fastn", "unifai", "veyrax",
    ], &["integration"], "connect-services"),

    // Analysis
    row(Analysis, 3, &[
        "analytics", "data analysis", "data exploration", "business intelligence", "dashboards", "dashboard",
        "=insights", "statistics", "forecast", "forecasting", "lightdash", "tinybird", "data science", "dune analytics",
        "dataset", "datasets", "matplotlib", "audience",
    ], &["data-analysis"], "analyse-data"),
    row(Analysis, 3, &[
        "chart", "charts", "visualization", "visualisation", "vega", "vegalite", "quickchart", "plots", "plotting",
        "echarts",
    ], &["visualisation"], "draw-charts"),
    row(Analysis, 3, &[
        "bigquery", "snowflake", "databricks", "athena", "clickhouse", "motherduck", "duckdb", "redshift",
        "data warehouse", "warehouse", "hologres", "analyticdb", "teradata", "data explorer", "keboola", "gravitino",
        "unity catalog", "unitycatalog", "data catalog", "atlan", "verodat", "data platform", "lakehouse",
    ], &["data-warehouse", "sql"], "query-data-warehouses"),
    row(Analysis, 3, &[
        "stock", "stocks", "stock market", "market data", "financial data", "financial", "alphavantage",
        "alpha vantage", "earnings", "sec edgar", "edgar", "nasdaq", "morningstar", "economic", "=fred", "fdic",
        "bank find", "public filings", "world bank", "mifosx", "equities", "investment",
    ], &["finance"], "analyse-markets"),
    row(Analysis, 2, &[
        "crypto", "cryptocurrency", "cryptocurrencies", "bitcoin", "coinmarketcap", "=coin", "onchain", "on chain",
        "blockchain", "blockchains", "defi analytics", "liquidity", "whale", "=token", "ethereum", "solana", "evm",
        "algorand", "thegraph", "web3", "hyperliquid", "bicscan", "bsc", "thirdweb", "cryptopanic", "poolspy",
    ], &["crypto"], "read-blockchains"),
    row(Analysis, 3, &[
        "web search", "search engine", "search engines", "tavily", "perplexity", "brave search", "=exa", "kagi",
        "searxng", "bing", "google search", "duckduckgo", "search1api", "websearch", "naver", "real time search",
        "internet search", "baidu search",
    ], &["search"], "search-the-web"),
    row(Analysis, 3, &[
        "research", "deep research", "papers", "paper", "academic", "arxiv", "pubmed", "scholar", "scholarly",
        "scientific", "dblp", "bibliography", "pubchem", "wikipedia", "wikidata", "openalex", "citations", "literature",
        "nasa", "dicom", "clinical",
    ], &["research"], "research-sources"),
    row(Analysis, 2, &["news", "headlines", "rss"], &["news"], "follow-the-news"),
    row(Analysis, 2, &[
        "weather", "openweather", "flight tracking", "flightradar24", "geospatial", "gis", "qgis", "earthquake",
        "climate", "air quality",
    ], &["geodata"], "look-up-places-and-weather"),
    row(Analysis, 2, &[
        "sports", "football", "soccer", "nba", "chess", "fantasy", "cfbd", "league of legends", "opendota", "riot",
        "tft", "esports", "dota", "cricket", "f1", "baseball",
    ], &["sports"], "look-up-results"),
    row(Analysis, 2, &[
        "observability", "monitoring", "system metrics", "grafana", "prometheus", "datadog", "dynatrace", "honeycomb",
        "axiom", "logfire", "raygun", "traces", "tracing", "logs", "uptime", "metoro", "opentelemetry", "splunk",
        "new relic", "evaluation", "evaluations", "sentry", "loki", "error tracking",
    ], &["monitoring", "observability"], "query-logs-and-metrics"),
    row(Analysis, 2, &[
        "cost", "costs", "spend", "cost explorer", "finops", "sentiment", "feargreed", "technical analysis",
        "indicators",
    ], &["reporting"], ""),
    row(Analysis, 1, &[
        "visualize", "summarize", "analyze", "analysis", "insight", "insights", "reports", "reporting", "council",
        "optimization", "solver", "constraint",
    ], &[], ""),

    // Development
    row(Development, 3, &[
        "github", "gitlab", "gitee", "git", "bitbucket", "repository", "repositories", "pull requests", "pull request",
        "commits", "gitea",
    ], &["git"], "manage-repositories"),
    row(Development, 3, &[
        "=code", "coding", "codebase", "code review", "source code", "programming", "jetbrains", "intellij", "vscode",
        "neovim", "language server", "lsp", "refactor", "refactoring", "debugger", "debugging", "lldb", "gdb",
        "compiler", "xcode", "xcodebuild", "starwind", "frontend", "react", "nextjs", "ui components", "codemirror",
    ], &["coding"], "work-on-code"),
    row(Development, 3, &[
        "run code", "code execution", "execute python", "sandbox", "sandboxes", "code interpreter", "repl", "forevervm",
        "e2b", "riza", "code executor",
    ], &["code-execution"], "run-code"),
    row(Development, 3, &[
        "ci", "ci cd", "circleci", "jenkins", "github actions", "buildkite", "bitrise", "devops", "deployment",
        "deployments", "deploy", "deploying", "infrastructure", "terraform", "pulumi", "ansible", "heroku", "vercel",
        "netlify", "=nomad", "=consul", "backstage", "opslevel",
    ], &["devops"], "build-and-deploy"),
    row(Development, 3, &[
        "kubernetes", "k8s", "openshift", "docker", "container", "containers", "helm", "podman", "multicluster",
    ], &["kubernetes", "containers"], "operate-clusters"),
    row(Development, 2, &[
        "aws", "azure", "gcp", "google cloud", "cloudflare", "alibabacloud", "alibaba cloud", "cloud resources",
        "cloud infrastructure", "s3", "firebase", "supabase", "appwrite", "edgeone", "digitalocean", "cloudops",
        "cloud ops", "aiven", "edgee", "=tos",
    ], &["cloud"], "operate-cloud-services"),
    row(Development, 2, &[
        "database", "databases", "postgres", "postgresql", "mysql", "mariadb", "sqlite", "mongodb", "mongo", "redis",
        "mssql", "sql server", "oceanbase", "couchbase", "singlestore", "=neon", "arangodb", "neo4j", "memgraph",
        "graph database", "dynamodb", "cassandra", "influxdb", "iotdb", "greptimedb", "astra db", "fireproof",
        "=momento", "cockroachdb", "turso", "libsql", "cypher", "xiyan",
    ], &["database"], "query-databases"),
    row(Development, 2, &[
        "vector database", "vector search", "pinecone", "qdrant", "=chroma", "milvus", "weaviate", "embeddings", "rag",
        "retrieval augmented", "semantic search", "llamacloud", "ragie", "vectorize", "graphlit", "lucene",
        "elasticsearch", "opensearch", "meilisearch", "typesense", "vertex ai", "cognee", "=needle",
    ], &["rag", "search"], "retrieve-knowledge"),
    row(Development, 3, &[
        "openapi", "swagger", "graphql", "openrpc", "postman", "api gateway", "apis using", "api endpoints", "rest api",
        "rpc", "konnect", "json rpc", "api schema", "endpoints", "jmeter", "load testing",
    ], &["api"], "explore-and-test-apis"),
    row(Development, 3, &[
        "=sdk", "appbuilder", "=framework", "agent framework", "typescript framework", "=library", "a library for",
        "boilerplate", "=template", "quarkus", "fastapi", "fastmcp", "oatpp", "wildfly", "building mcp", "build mcp",
        "foxy contexts",
    ], &["framework"], "build-agents"),
    row(Development, 2, &[
        "=awesome", "mcp registry", "mcp directory", "mcp marketplace", "=inspector", "mcp router", "mcp proxy",
        "=proxy", "=gateway", "ai gateway", "mcp manager", "mcp hub", "mcp badges", "mcp cli", "mcp package manager",
        "agent marketplace", "=installer", "other mcp servers", "your mcp servers", "right mcp server", "curated list",
        "collection of mcp",
    ], &["mcp-tooling"], "manage-servers"),
    row(Development, 1, &["mcp servers"], &["mcp-tooling"], ""),
    row(Development, 3, &[
        "=security", "security vulnerabilities", "vulnerabilities", "vulnerability", "semgrep", "snyk", "malware",
        "malwarebazaar", "threat", "threat intel", "pentest", "opencti", "attestation", "codacy", "penetration testing",
        "osint", "virustotal", "shodan", "whois",
    ], &["security"], "find-vulnerabilities"),
    row(Development, 2, &[
        "keycloak", "okta", "auth0", "=identity", "user management", "=authentication", "descope", "=authorization",
        "mikrotik", "dns", "=network",
    ], &["identity-and-access"], "manage-access"),
    row(Development, 2, &[
        "=terminal", "=shell", "command line", "iterm", "command execution", "ssh", "win cli",
    ], &["shell"], "run-commands"),
    row(Development, 2, &[
        "filesystem", "file system", "files and directories", "file operations", "everything search",
    ], &["files"], "read-and-write-files"),
    row(Development, 3, &[
        "=unity", "unity editor", "control unity", "godot", "game engine", "game development", "roblox",
        "unreal engine",
    ], &["games"], "build-games"),
    row(Development, 3, &["figma", "figma layout"], &["design", "frontend"], "read-designs"),
    row(Development, 3, &["kicad", "verilog", "circuit", "pcb", "firmware"], &["hardware"], "design-hardware"),
    row(Development, 2, &[
        "mlops", "llmops", "llm applications", "prompt management", "prompts", "hugging face", "huggingface",
        "replicate", "langfuse", "opik", "zenml", "model serving", "language models", "deepseek", "qwen", "gemini",
        "openai", "reasoning", "hfspace", "ollama", "mlflow", "=phoenix",
    ], &["llm"], "work-with-models"),
    row(Development, 1, &[
        "software dependency", "npm packages", "documentation", "docs", "api docs", "javadoc",
    ], &["documentation"], "look-up-documentation"),
    row(Development, 1, &[
        "json", "javascript", "node js", "build", "testing", "test", "developer", "app management",
    ], &[], ""),

    // What is worth a tag and decides nothing.
    tag(&["python"], &["python"]),
    tag(&["typescript"], &["typescript"]),
    tag(&["rust"], &["rust"]),
    tag(&["sql"], &["sql"]),
    tag(&["google"], &["google"]),
    tag(&["aws", "amazon"], &["aws"]),
    tag(&["azure", "microsoft"], &["microsoft"]),
    tag(&["marketing"], &["marketing"]),
    tag(&["sales"], &["sales"]),
    tag(&["games", "game", "gaming"], &["games"]),
    tag(&["legal", "law"], &["legal"]),
    tag(&["privacy", "compliance", "gdpr"], &["compliance"]),
];
