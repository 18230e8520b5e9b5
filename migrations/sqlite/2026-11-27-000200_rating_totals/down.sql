DROP TRIGGER rating_totals_change;
DROP TRIGGER rating_totals_delete;
DROP TRIGGER rating_totals_insert;
DROP TABLE rating_totals;
