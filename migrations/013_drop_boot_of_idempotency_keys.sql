-- Which keys are worked on is known to the process that does it: a row without an answer that nobody works on is lost,
-- whether the server stopped or the answer could not be written.
ALTER TABLE idempotency_keys DROP COLUMN boot;
