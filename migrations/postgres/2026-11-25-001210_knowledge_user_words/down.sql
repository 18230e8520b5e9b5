-- The extension stays: others may need it by now.
SELECT 1;
