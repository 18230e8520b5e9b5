//! The tables as diesel sees them, read out of both migrated databases: `cargo xtask migrate schema` writes this file.

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::sql_types::{JsonDocument, TimestampUtc, Uuid};

    agent_analytics (id) {
        id -> Uuid,
        agent_id -> Uuid,
        user_id -> Nullable<Uuid>,
        event_type -> Text,
        event_data -> JsonDocument,
        quantity -> BigInt,
        occurred_at -> TimestampUtc,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Nullable, Text};
    use crate::sql_types::{JsonDocument, TimestampUtc, Uuid};

    agent_installations (id) {
        id -> Uuid,
        user_id -> Uuid,
        agent_id -> Uuid,
        installed_version -> Text,
        settings -> JsonDocument,
        is_active -> Bool,
        last_used -> Nullable<TimestampUtc>,
        usage_count -> BigInt,
        installed_at -> TimestampUtc,
        updated_at -> TimestampUtc,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Nullable, SmallInt, Text};
    use crate::sql_types::{TimestampUtc, Uuid};

    agent_reviews (id) {
        id -> Uuid,
        user_id -> Uuid,
        agent_id -> Uuid,
        rating -> SmallInt,
        title -> Nullable<Text>,
        review_text -> Nullable<Text>,
        helpful_count -> BigInt,
        is_verified_purchase -> Bool,
        created_at -> TimestampUtc,
        updated_at -> TimestampUtc,
    }
}

diesel::table! {
    use crate::sql_types::Uuid;

    agent_tags (agent_id, tag_id) {
        agent_id -> Uuid,
        tag_id -> Uuid,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, SmallInt, Text};

    agent_totals (category, pricing_model, is_verified, is_featured, shard) {
        category -> Text,
        pricing_model -> Text,
        is_verified -> Bool,
        is_featured -> Bool,
        shard -> SmallInt,
        agents -> BigInt,
        installs -> BigInt,
    }
}

diesel::table! {
    use crate::sql_types::{TextList, TimestampUtc, Uuid};

    cache_invalidations (id) {
        id -> Uuid,
        tags -> TextList,
        created_at -> TimestampUtc,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::sql_types::{TimestampUtc, Uuid};

    categories (id) {
        id -> Uuid,
        name -> Text,
        display_name -> Text,
        description -> Nullable<Text>,
        icon -> Nullable<Text>,
        color -> Nullable<Text>,
        sort_order -> Integer,
        is_active -> Bool,
        agent_count -> BigInt,
        created_at -> TimestampUtc,
        updated_at -> TimestampUtc,
    }
}

diesel::table! {
    use diesel::sql_types::Text;
    use crate::sql_types::{TimestampUtc, Uuid};

    edge_purges (edge, tag) {
        edge -> Text,
        tag -> Text,
        next_at -> TimestampUtc,
        last_at -> TimestampUtc,
        mark -> Uuid,
    }
}

diesel::table! {
    use diesel::sql_types::{Nullable, Text};
    use crate::sql_types::{JsonDocument, TextList, TimestampUtc, Uuid};

    knowledge_entries (id) {
        id -> Uuid,
        user_id -> Uuid,
        title -> Text,
        source -> Text,
        content_type -> Text,
        text_content -> Text,
        summary -> Nullable<Text>,
        tags -> TextList,
        metadata -> JsonDocument,
        created_at -> TimestampUtc,
        updated_at -> TimestampUtc,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Double, Nullable, Text};
    use crate::sql_types::{JsonDocument, TextList, TimestampUtc, Uuid};

    marketplace_agents (id) {
        id -> Uuid,
        registry_name -> Nullable<Text>,
        name -> Text,
        name_sort -> Text,
        description -> Text,
        category -> Nullable<Text>,
        tags -> TextList,
        version -> Text,
        icon_url -> Nullable<Text>,
        capabilities -> TextList,
        pricing_model -> Text,
        price_cents -> BigInt,
        repository_url -> Nullable<Text>,
        agent_type -> Text,
        requirements -> JsonDocument,
        configuration_schema -> JsonDocument,
        license -> Nullable<Text>,
        author_id -> Uuid,
        install_count -> BigInt,
        rating_sum -> BigInt,
        rating_count -> BigInt,
        rating_average -> Double,
        view_count -> BigInt,
        trending_score -> Double,
        is_featured -> Bool,
        is_verified -> Bool,
        is_active -> Bool,
        created_at -> TimestampUtc,
        updated_at -> TimestampUtc,
        published_at -> Nullable<TimestampUtc>,
        search_tier -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, SmallInt};

    rating_totals (tenths, shard) {
        tenths -> SmallInt,
        shard -> SmallInt,
        agents -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, SmallInt, Text};

    search_words (word, shared, shard) {
        word -> Text,
        shard -> SmallInt,
        agents -> BigInt,
        shared -> SmallInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, SmallInt};
    use crate::sql_types::Uuid;

    tag_totals (tag_id, shard) {
        tag_id -> Uuid,
        shard -> SmallInt,
        agents -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::Text;
    use crate::sql_types::Uuid;

    tags (id) {
        id -> Uuid,
        name -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{Nullable, Text};
    use crate::sql_types::{TimestampUtc, Uuid};

    users (id) {
        id -> Uuid,
        email -> Nullable<Text>,
        display_name -> Nullable<Text>,
        created_at -> TimestampUtc,
        updated_at -> TimestampUtc,
    }
}

diesel::joinable!(agent_analytics -> marketplace_agents (agent_id));
diesel::joinable!(agent_analytics -> users (user_id));
diesel::joinable!(agent_installations -> marketplace_agents (agent_id));
diesel::joinable!(agent_installations -> users (user_id));
diesel::joinable!(agent_reviews -> marketplace_agents (agent_id));
diesel::joinable!(agent_reviews -> users (user_id));
diesel::joinable!(agent_tags -> marketplace_agents (agent_id));
diesel::joinable!(agent_tags -> tags (tag_id));
diesel::joinable!(knowledge_entries -> users (user_id));
diesel::joinable!(marketplace_agents -> users (author_id));
diesel::joinable!(tag_totals -> tags (tag_id));

diesel::allow_tables_to_appear_in_same_query!(
    agent_analytics,
    agent_installations,
    agent_reviews,
    agent_tags,
    agent_totals,
    cache_invalidations,
    categories,
    edge_purges,
    knowledge_entries,
    marketplace_agents,
    rating_totals,
    search_words,
    tag_totals,
    tags,
    users,
);
