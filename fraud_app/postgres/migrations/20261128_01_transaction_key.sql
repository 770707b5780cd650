-- A transaction is named by its customer and its id: two customers may have one with the same id
-- depends: 20261127_01_client_time_may_be_missing
-- transaction: false

-- migrate: apply

-- Each statement is committed by itself and can run again, so what was interrupted is repeated. The index is built while
-- transactions are read and stored; the table is locked for a moment only, or this gives up and is tried again.
DROP INDEX CONCURRENTLY IF EXISTS transactions_key;
CREATE UNIQUE INDEX CONCURRENTLY transactions_key ON transactions (transaction_id, user_id);
SET lock_timeout = '3s';
ALTER TABLE transactions DROP CONSTRAINT transactions_pkey,
    ADD CONSTRAINT transactions_pkey PRIMARY KEY USING INDEX transactions_key;
RESET lock_timeout;

-- migrate: rollback

ALTER TABLE transactions DROP CONSTRAINT transactions_pkey, ADD PRIMARY KEY (transaction_id);
