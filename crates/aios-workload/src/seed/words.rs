//! The words of the seed: lists in the order of how often they are used, since they are picked by Zipf's law.

/// What one category talks about.
pub(super) struct Vocabulary {
    pub(super) category: &'static str,
    pub(super) topics: &'static [&'static str],
    /// What its agents do, each fit to stand before an object.
    pub(super) verbs: &'static [&'static str],
    /// What they do it to.
    pub(super) objects: &'static [&'static str],
    pub(super) tags: &'static [&'static str],
    pub(super) capabilities: &'static [&'static str],
}

/// The categories, the largest first.
pub(super) const CATEGORIES: [Vocabulary; 6] = [
    Vocabulary {
        category: "development",
        topics: &[
            "Code", "Test", "API", "Query", "Pipeline", "Schema", "Repository", "Container", "Log", "Release", "Bug",
            "Deploy", "Script", "Cluster", "Migration", "Branch", "Dependency", "Debug", "Build", "Endpoint", "Type",
            "Compiler", "Sandbox", "Secret", "Trace", "Patch", "Index", "Regex", "Commit", "Package",
        ],
        verbs: &[
            "reviews", "tests", "explains", "refactors", "deploys", "documents", "profiles", "watches", "generates",
            "debugs", "migrates", "checks", "indexes", "formats", "traces", "mocks", "bisects", "pins", "scans",
            "annotates",
        ],
        objects: &[
            "pull requests", "unit tests", "database queries", "build pipelines", "source code", "stack traces",
            "API endpoints", "migrations", "container images", "release notes", "log files", "dependencies",
            "type annotations", "configuration files", "flaky tests", "slow queries", "memory leaks", "error messages",
            "code comments", "feature flags", "access tokens", "kernel modules", "race conditions",
            "regular expressions", "shell scripts",
        ],
        tags: &[
            "coding", "api", "testing", "git", "database", "devops", "code-review", "debugging", "python", "sql",
            "ci-cd", "security", "kubernetes", "rust", "documentation", "refactoring", "performance", "frontend",
            "monitoring", "embedded",
        ],
        capabilities: &[
            "review-code", "write-tests", "explain-errors", "run-code", "query-databases", "generate-documentation",
            "deploy-services", "scan-for-secrets", "profile-programs", "manage-repositories", "write-migrations",
            "mock-apis", "analyse-logs", "upgrade-dependencies", "search-code",
        ],
    },
    Vocabulary {
        category: "productivity",
        topics: &[
            "Calendar", "Inbox", "Task", "Meeting", "Note", "Document", "Plan", "Expense", "Travel", "Reminder",
            "Spreadsheet", "Agenda", "Focus", "File", "Habit", "Form", "Receipt", "Goal", "Contract", "Invoice",
            "Reading", "Schedule", "Checklist", "Project", "Desk", "Budget", "Recipe", "Study", "Archive", "Slide",
        ],
        verbs: &[
            "sorts", "plans", "summarises", "schedules", "files", "reminds you of", "drafts", "tracks", "organises",
            "collects", "shortens", "prioritises", "merges", "fills in", "renames", "splits", "archives", "estimates",
            "books", "checks",
        ],
        objects: &[
            "meeting notes", "calendar invitations", "open tasks", "travel plans", "expense reports", "daily mail",
            "project plans", "shared documents", "receipts", "reading lists", "weekly goals", "time sheets",
            "contracts", "slide decks", "scanned letters", "shopping lists", "birthdays", "subscriptions",
            "study cards", "spreadsheets", "to-do lists", "renewal dates", "packing lists", "signatures", "minutes",
        ],
        tags: &[
            "tasks", "calendar", "notes", "email", "documents", "meetings", "planning", "scheduling", "files",
            "reminders", "spreadsheets", "focus", "travel", "finance", "pdf", "habits", "education", "writing", "teams",
            "forms",
        ],
        capabilities: &[
            "manage-tasks", "summarise-meetings", "plan-weeks", "sort-mail", "fill-forms", "track-expenses",
            "draft-documents", "schedule-meetings", "file-documents", "set-reminders", "extract-dates",
            "edit-spreadsheets", "plan-journeys", "build-slides", "keep-notes",
        ],
    },
    Vocabulary {
        category: "automation",
        topics: &[
            "Workflow", "Webhook", "Sync", "Browser", "Backup", "Bot", "Trigger", "Sensor", "Robot", "Connector",
            "Queue", "Batch", "Form", "Invoice", "Order", "Alert", "Device", "Scraper", "Stock", "Approval", "Schedule",
            "Event", "Import", "Export", "Fleet", "Home", "Printer", "Payroll", "Ticket", "Refund",
        ],
        verbs: &[
            "connects", "synchronises", "runs", "watches", "triggers", "moves", "collects", "retries", "routes",
            "backs up", "scrapes", "converts", "renames", "approves", "reorders", "restarts", "replays", "fills",
            "matches", "cleans",
        ],
        objects: &[
            "webhooks", "spreadsheet rows", "incoming orders", "invoices", "web pages", "nightly backups",
            "sensor readings", "form entries", "customer records", "stock levels", "device updates", "file transfers",
            "purchase orders", "support tickets", "browser sessions", "event queues", "smart-home scenes", "batch jobs",
            "approvals", "delivery routes", "refund requests", "meter readings", "address books", "price lists",
            "print jobs",
        ],
        tags: &[
            "workflow", "integration", "api", "scheduling", "browser", "scraping", "iot", "backup", "notifications",
            "forms", "e-commerce", "files", "inventory", "monitoring", "finance", "crm", "alerts", "devices",
            "logistics", "energy",
        ],
        capabilities: &[
            "run-workflows", "sync-data", "call-webhooks", "scrape-websites", "control-devices", "back-up-files",
            "route-requests", "match-invoices", "watch-pages", "fill-web-forms", "convert-files", "restart-services",
            "approve-requests", "clean-records", "send-alerts",
        ],
    },
    Vocabulary {
        category: "analysis",
        topics: &[
            "Data", "Chart", "Market", "Forecast", "Survey", "Research", "Metric", "Finance", "Trend", "Risk", "Report",
            "Dashboard", "Text", "Price", "Log", "Cohort", "Sentiment", "Experiment", "Sensor", "Paper", "Ledger",
            "Funnel", "News", "Patent", "Energy", "Sports", "Supply", "Climate", "Audit", "Map",
        ],
        verbs: &[
            "analyses", "charts", "forecasts", "compares", "summarises", "measures", "explains", "queries", "ranks",
            "detects", "clusters", "audits", "estimates", "samples", "cleans", "scores", "maps", "correlates",
            "simulates", "benchmarks",
        ],
        objects: &[
            "sales figures", "survey answers", "market data", "research papers", "time series", "web traffic",
            "financial statements", "customer reviews", "log files", "experiments", "outliers", "price changes",
            "risk registers", "sensor data", "news stories", "stock levels", "churn rates", "patents", "open data",
            "energy bills", "field notes", "conversion funnels", "clinical codes", "supply chains", "match results",
        ],
        tags: &[
            "data-analysis", "reporting", "visualisation", "research", "finance", "sql", "forecasting", "statistics",
            "monitoring", "text-analysis", "marketing", "data-quality", "surveys", "web-analytics", "risk", "news",
            "e-commerce", "geography", "health", "sports",
        ],
        capabilities: &[
            "analyse-data", "draw-charts", "forecast-demand", "summarise-papers", "detect-anomalies",
            "query-warehouses", "score-risks", "classify-text", "compare-prices", "audit-ledgers",
            "measure-experiments", "build-dashboards", "clean-data", "map-locations", "follow-news",
        ],
    },
    Vocabulary {
        category: "content",
        topics: &[
            "Text", "Image", "Video", "Blog", "Podcast", "Headline", "Translation", "Caption", "Story", "Photo",
            "Newsletter", "Script", "Voice", "Logo", "Recipe", "Subtitle", "Poem", "Product", "Course", "Press",
            "Music", "Animation", "Comic", "Brand", "Slogan", "Glossary", "Book", "Museum", "Game", "Print",
        ],
        verbs: &[
            "writes", "edits", "translates", "illustrates", "shortens", "captions", "proofreads", "narrates", "cuts",
            "rewrites", "designs", "transcribes", "paraphrases", "animates", "colours", "outlines", "localises", "tags",
            "typesets", "remixes",
        ],
        objects: &[
            "blog posts", "product pages", "headlines", "video clips", "podcast episodes", "newsletters", "images",
            "subtitles", "press releases", "social posts", "short stories", "translations", "scripts", "photo captions",
            "course material", "song lyrics", "brand guides", "glossaries", "interviews", "illustrations",
            "book chapters", "alt texts", "voice-overs", "storyboards", "recipes",
        ],
        tags: &[
            "writing", "images", "editing", "video", "marketing", "translation", "seo", "audio", "social-media",
            "storytelling", "design", "accessibility", "transcription", "publishing", "email", "music", "localisation",
            "photography", "games", "poetry",
        ],
        capabilities: &[
            "write-text", "edit-text", "translate-text", "generate-images", "cut-video", "transcribe-audio",
            "caption-images", "proofread-documents", "write-headlines", "design-layouts", "narrate-text",
            "outline-stories", "optimise-for-search", "localise-content", "remix-music",
        ],
    },
    Vocabulary {
        category: "communication",
        topics: &[
            "Chat", "Mail", "Support", "Call", "Message", "Voice", "Team", "Reply", "Meeting", "Community", "Feedback",
            "Notification", "Status", "Survey", "Social", "Translation", "Greeting", "Newsletter", "Helpdesk", "Thread",
            "Interview", "Appointment", "Complaint", "Announcement", "Phone", "Contact", "Speech", "Moderator",
            "Channel", "Forum",
        ],
        verbs: &[
            "answers", "routes", "summarises", "translates", "drafts", "sends", "moderates", "transcribes", "schedules",
            "escalates", "greets", "announces", "forwards", "records", "tags", "bridges", "rewrites", "interprets",
            "confirms", "collects",
        ],
        objects: &[
            "customer questions", "chat threads", "support tickets", "voice messages", "team updates", "e-mail replies",
            "phone calls", "announcements", "feedback", "meeting invitations", "community posts", "status reports",
            "appointments", "complaints", "direct messages", "notifications", "interviews", "surveys", "newsletters",
            "forum posts", "introductions", "apologies", "follow-ups", "greetings", "hand-overs",
        ],
        tags: &[
            "chat", "email", "customer-support", "messaging", "voice", "teams", "translation", "notifications",
            "meetings", "social-media", "community", "moderation", "scheduling", "transcription", "sales", "surveys",
            "hr", "accessibility", "family", "education",
        ],
        capabilities: &[
            "answer-questions", "send-messages", "summarise-threads", "translate-live", "transcribe-calls",
            "route-tickets", "draft-replies", "moderate-posts", "confirm-appointments", "send-notifications",
            "collect-feedback", "escalate-complaints", "greet-visitors", "bridge-channels", "hold-calls",
        ],
    },
];

pub(super) const ROLES: &[&str] = &[
    "Assistant", "Agent", "Helper", "Pilot", "Analyst", "Bot", "Companion", "Manager", "Guide", "Studio", "Coach",
    "Desk", "Engine", "Scout", "Keeper", "Writer", "Watcher", "Planner", "Reviewer", "Runner", "Bridge", "Builder",
    "Tutor", "Sentinel", "Curator", "Navigator", "Clerk", "Smith", "Lens", "Forge", "Warden", "Weaver", "Foundry",
    "Courier", "Oracle", "Gardener", "Workbench", "Concierge", "Cartographer", "Librarian",
];

pub(super) const ADJECTIVES: &[&str] = &[
    "Smart", "Quick", "Simple", "Open", "Daily", "Quiet", "Bright", "Clear", "Deep", "Easy", "Rapid", "Tiny", "Auto",
    "Live", "Pro", "Steady", "Prime", "Swift", "Plain", "True", "Lean", "Bold", "Calm", "Sharp", "Fresh", "Silent",
    "Honest", "Patient", "Careful", "Nimble", "Gentle", "Northern", "Golden", "Curious", "Tidy", "Humble", "Brisk",
    "Lucid", "Candid", "Frugal",
];

pub(super) const AUDIENCES: &[&str] = &[
    "teams", "small companies", "developers", "students", "researchers", "freelancers", "schools", "sales teams",
    "support desks", "designers", "writers", "finance teams", "hospitals", "shops", "engineers", "agencies", "families",
    "lawyers", "operators", "editors", "city councils", "museums", "scientists", "clinics", "warehouses", "farmers",
    "libraries", "musicians", "pilots", "archivists",
];

pub(super) const MANNERS: &[&str] = &[
    "in seconds", "without leaving your editor", "in plain language", "on your own machine", "every morning",
    "with sources", "while you sleep", "step by step", "in any language", "at any scale", "by simple rules",
    "in one place", "with an audit trail", "before anyone notices", "from a single command", "with your approval",
    "as soon as they arrive", "in the background", "to the minute", "even without a network",
];

pub(super) const CLOSINGS: &[&str] = &[
    "Nothing is sent without your approval.", "Set-up takes five minutes.", "Your data stays where it is.",
    "Every step can be undone.", "Works with the tools you already use.", "It learns from your corrections.",
    "Answers come with their sources.", "It asks when it is not sure.", "Results can be exported at any time.",
    "A weekly report shows what was done.", "There is a free trial.", "It runs offline, too.",
    "Rules are written in plain words.", "All settings have sensible defaults.", "It keeps a log that people can read.",
    "Large jobs are split and resumed.", "Permissions are asked for one by one.", "Built for teams of any size.",
    "New versions arrive monthly.", "It says so when it fails.",
];

pub(super) const TYPES: &[&str] = &[
    "assistant", "workflow", "connector", "analyst", "reviewer", "mcp-server", "generator", "monitor",
];

pub(super) const LICENSES: &[&str] = &[
    "MIT", "Apache-2.0", "GPL-3.0-or-later", "BSD-3-Clause", "MPL-2.0", "AGPL-3.0-only", "ISC", "CC0-1.0",
];

/// The parts of invented names, of which the tail of all real vocabularies consists: 24 × 20 × 24 of them.
pub(super) const FIRST_SYLLABLES: &[&str] = &[
    "ve", "zo", "ta", "mi", "lu", "ka", "no", "ri", "so", "be", "fa", "gi", "du", "pe", "ha", "wi", "qua", "tre", "sto",
    "bri", "cla", "flo", "gre", "ski",
];
pub(super) const MIDDLE_SYLLABLES: &[&str] = &[
    "", "ra", "li", "no", "va", "ti", "mo", "se", "ku", "da", "pi", "lo", "ne", "ga", "ri", "bo", "fe", "zu", "ca",
    "ma",
];
pub(super) const LAST_SYLLABLES: &[&str] = &[
    "ra", "lin", "tor", "vex", "mio", "den", "qor", "lex", "nix", "sol", "pad", "kit", "wave", "flow", "mark", "stack",
    "dock", "loom", "path", "grid", "nest", "spark", "field", "ly",
];

pub(super) const FIRST_NAMES: &[&str] = &[
    "Ana", "Ben", "Chen", "Dana", "Eva", "Femi", "Gita", "Hugo", "Ines", "Jan", "Kira", "Liam", "Mina", "Noor", "Omar",
    "Pia", "Quim", "Rosa", "Sven", "Tala", "Uma", "Vera", "Wen", "Yara", "Zane", "Aiko", "Bilal", "Cleo", "Dmitri",
    "Esra",
];
pub(super) const LAST_NAMES: &[&str] = &[
    "Silva", "Nguyen", "Okafor", "Kim", "Novak", "Haddad", "Larsen", "Costa", "Mehta", "Sato", "Weber", "Rossi",
    "Ivanova", "Diallo", "Moreau", "Yilmaz", "Ferreira", "Lindgren", "Park", "Nowak", "Aziz", "Keller", "Tanaka",
    "Mbeki", "Horvat", "Santos", "Byrne", "Castro", "Ozturk", "Varga",
];

/// Reviews by stars, one to five: headings, and sentences to begin with.
pub(super) const TITLES: [&[&str]; 5] = [
    &[
        "Does not work", "Avoid", "Waste of time", "Removed after a day", "Broken", "Lost my data", "Not as described",
        "Crashes all the time",
    ],
    &[
        "Disappointing", "Not ready", "Too slow", "Needs work", "Expected more", "Too many errors", "Clumsy",
        "Half finished",
    ],
    &[
        "It is okay", "Average", "Good idea, rough edges", "Mixed feelings", "Does the basics", "Could be better",
        "Fine for small jobs", "Promising",
    ],
    &[
        "Very good", "Solid", "Useful every day", "Recommended", "Good with small flaws", "Reliable", "Nearly perfect",
        "Saves time",
    ],
    &[
        "Excellent", "Great", "Love it", "Exactly what I needed", "Saves me hours", "Best in its class", "Perfect",
        "Could not work without it", "Five stars", "Outstanding",
    ],
];
pub(super) const OPENINGS: [&[&str]; 5] = [
    &[
        "It failed on the first day.", "Nothing worked as promised.", "Installed it twice and gave up.",
        "It stopped without a message.", "Support never answered.",
    ],
    &[
        "I wanted to like it.", "Every second result was wrong.", "It is slower than doing it by hand.",
        "The settings are a maze.", "Updates break more than they mend.",
    ],
    &[
        "Some days it is great, on others it is not.", "It does what it says, and not much more.", "Good in parts.",
        "I keep it for one feature.", "It needs a firm hand.",
    ],
    &[
        "It does its job well.", "After a week I trusted it.", "Small slips now and then, nothing serious.",
        "It fits the way we work.", "Easy to set up and easy to explain.",
    ],
    &[
        "It just works.", "We use it every day.", "It has given me back my mornings.",
        "Fast, clear and honest about what it does not know.", "I have recommended it to everyone here.",
        "The best tool that we bought this year.",
    ],
];
pub(super) const FINDINGS: &[&str] = &[
    "Judge it by how it treats", "I mostly use it for", "What matters to us are", "It is at its best with",
    "We compared it on", "Our team relies on it for", "I tried it on", "The first thing I gave it was",
];
