-- Nothing to do: the words go with their table.
SELECT 1;
