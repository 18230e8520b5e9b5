DROP TRIGGER agents_fts_tier_3_insert;
DROP TRIGGER agents_fts_tier_3_delete;
DROP TRIGGER agents_fts_tier_3_update;
DROP TABLE agents_fts_tier_3;
