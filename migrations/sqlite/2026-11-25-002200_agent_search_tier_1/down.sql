DROP TRIGGER agents_fts_tier_1_insert;
DROP TRIGGER agents_fts_tier_1_delete;
DROP TRIGGER agents_fts_tier_1_update;
DROP TABLE agents_fts_tier_1;
