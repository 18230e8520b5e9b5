-- How popular an agent is, roughly: the 1,000 most popular have tier 3, the 8,000 most popular tier 2 or above, the 64,000 most
-- popular tier 1 or above. The service brings it up to date every few minutes. A search looks at the higher tiers first.
ALTER TABLE marketplace_agents ADD COLUMN search_tier INTEGER NOT NULL DEFAULT 0;
