DROP TRIGGER tag_totals_gone;
DROP TRIGGER tag_totals_active;
DROP TRIGGER tag_totals_delete;
DROP TRIGGER tag_totals_insert;
DROP TABLE tag_totals;
