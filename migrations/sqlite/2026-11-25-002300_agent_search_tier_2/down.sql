DROP TRIGGER agents_fts_tier_2_insert;
DROP TRIGGER agents_fts_tier_2_delete;
DROP TRIGGER agents_fts_tier_2_update;
DROP TABLE agents_fts_tier_2;
