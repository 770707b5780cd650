-- Shadow scores know the customer of their transaction
-- depends: 20261128_02_customers_of_labels_and_reviews
-- transaction: false

-- migrate: apply

-- There may be as many as transactions. They can be read all the time, and what was interrupted is repeated or goes on.
SET lock_timeout = '3s';
ALTER TABLE shadow_scores ADD COLUMN IF NOT EXISTS user_id text NOT NULL DEFAULT '';
RESET lock_timeout;
UPDATE shadow_scores s SET user_id = t.user_id FROM transactions t
WHERE s.user_id = '' AND t.transaction_id = s.transaction_id;
DROP INDEX CONCURRENTLY IF EXISTS shadow_scores_key;
CREATE UNIQUE INDEX CONCURRENTLY shadow_scores_key ON shadow_scores (transaction_id, user_id, model);
SET lock_timeout = '3s';
ALTER TABLE shadow_scores ALTER COLUMN user_id DROP DEFAULT, DROP CONSTRAINT shadow_scores_pkey,
    ADD CONSTRAINT shadow_scores_pkey PRIMARY KEY USING INDEX shadow_scores_key;
RESET lock_timeout;

-- migrate: rollback

ALTER TABLE shadow_scores DROP COLUMN user_id, ADD PRIMARY KEY (transaction_id, model);
