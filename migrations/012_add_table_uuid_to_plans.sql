-- A table that was dropped and made anew under the same name is another table.
ALTER TABLE plans ADD COLUMN table_uuid TEXT NOT NULL DEFAULT '';
