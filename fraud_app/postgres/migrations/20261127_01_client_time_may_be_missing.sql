-- A client's clock may give no time at all, or one that cannot be.
-- depends: 20261125_02_reviews

-- migrate: apply
ALTER TABLE transactions ALTER COLUMN occurred_at DROP NOT NULL;

-- migrate: rollback
UPDATE transactions SET occurred_at = received_at WHERE occurred_at IS NULL;
ALTER TABLE transactions ALTER COLUMN occurred_at SET NOT NULL;
