-- Labels, verdicts and the review queue know the customer of their transaction
-- depends: 20261128_01_transaction_key

-- migrate: apply

-- All at once: nobody may see half of it. These tables grow with people's work, so it takes seconds. An older process that still
-- runs cannot write to them any more; what it has for them waits, or is refused.
SET LOCAL lock_timeout = '3s';
LOCK TABLE review_queue, verdicts, labels IN ACCESS EXCLUSIVE MODE;

-- No transaction has an empty customer: it stands for one that is not known.
ALTER TABLE labels ADD COLUMN user_id text NOT NULL DEFAULT '';
ALTER TABLE verdicts ADD COLUMN user_id text NOT NULL DEFAULT '';
ALTER TABLE review_queue ADD COLUMN user_id text NOT NULL DEFAULT '';

UPDATE labels l SET user_id = t.user_id FROM transactions t WHERE t.transaction_id = l.transaction_id;
ALTER TABLE verdicts DISABLE TRIGGER verdicts_only_append;
UPDATE verdicts v SET user_id = t.user_id FROM transactions t WHERE t.transaction_id = v.transaction_id;
ALTER TABLE verdicts ENABLE TRIGGER verdicts_only_append;
UPDATE review_queue q SET user_id = t.user_id FROM transactions t WHERE t.transaction_id = q.transaction_id;

ALTER TABLE labels ALTER COLUMN user_id DROP DEFAULT, DROP CONSTRAINT labels_pkey,
    ADD PRIMARY KEY (transaction_id, user_id, source);
ALTER TABLE verdicts ALTER COLUMN user_id DROP DEFAULT;
ALTER TABLE review_queue ALTER COLUMN user_id DROP DEFAULT, DROP CONSTRAINT review_queue_pkey,
    ADD PRIMARY KEY (transaction_id, user_id);

CREATE INDEX labels_unmatched ON labels (transaction_id) WHERE user_id = '';

-- migrate: rollback

DROP INDEX labels_unmatched;
ALTER TABLE review_queue DROP COLUMN user_id, ADD PRIMARY KEY (transaction_id);
ALTER TABLE verdicts DROP COLUMN user_id;
ALTER TABLE labels DROP COLUMN user_id, ADD PRIMARY KEY (transaction_id, source);
