-- The review queue, analysts' verdicts, what happened where and why in counts, and finding related payments
-- depends: 20261125_01_shadow_and_drift

-- migrate: apply

-- Everything here can be derived from transactions and verdicts; it is kept so that the queue's head is one index scan.
CREATE TABLE review_queue (
    transaction_id    text PRIMARY KEY,
    expected_loss_eur double precision NOT NULL,
    entered_at        timestamptz NOT NULL,
    taken_by          text,
    taken_until       timestamptz,
    closed_at         timestamptz
);

CREATE INDEX review_queue_by_loss ON review_queue (expected_loss_eur DESC, transaction_id) WHERE closed_at IS NULL;
CREATE INDEX review_queue_by_age ON review_queue (entered_at, transaction_id) WHERE closed_at IS NULL;

-- Amounts of before this table are taken as euro: only the order of the queue depends on them.
INSERT INTO review_queue (transaction_id, expected_loss_eur, entered_at)
SELECT transaction_id, coalesce(probability, risk_score / 100.0) * amount, scored_at FROM transactions WHERE decision = 'review';

CREATE TABLE verdicts (
    verdict_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id text NOT NULL,
    verdict        text NOT NULL CHECK (verdict IN ('approve', 'block', 'fraud', 'skip', 'undo')),
    undoes         bigint UNIQUE REFERENCES verdicts,
    reason         text,
    note           text NOT NULL DEFAULT '',
    analyst        text NOT NULL,
    given_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((verdict = 'undo') = (undoes IS NOT NULL))
);

CREATE INDEX verdicts_by_transaction ON verdicts (transaction_id, verdict_id);
CREATE INDEX verdicts_by_time ON verdicts (given_at);

CREATE FUNCTION only_append() RETURNS trigger LANGUAGE plpgsql AS $only_append$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END
$only_append$;

CREATE TRIGGER verdicts_only_append BEFORE UPDATE OR DELETE OR TRUNCATE ON verdicts
FOR EACH STATEMENT EXECUTE FUNCTION only_append();

-- Verdicts that can still be taken back; each leaves when its label has gone to the broker.
CREATE TABLE verdicts_pending (
    verdict_id bigint PRIMARY KEY REFERENCES verdicts,
    final_at   timestamptz NOT NULL
);

CREATE TABLE breakdown_rollup (
    kind         text NOT NULL CHECK (kind IN ('country', 'reason', 'hour')),
    bucket       timestamptz NOT NULL,
    value        text NOT NULL,
    decision     text NOT NULL,
    transactions bigint NOT NULL,
    amount_eur   numeric NOT NULL,
    PRIMARY KEY (kind, bucket, value, decision)
);

CREATE INDEX transactions_by_device ON transactions (device_id, scored_at DESC) WHERE device_id IS NOT NULL;
CREATE INDEX transactions_by_ip ON transactions (ip, scored_at DESC) WHERE ip IS NOT NULL;
CREATE INDEX transactions_by_card ON transactions (card, scored_at DESC) WHERE card IS NOT NULL;

-- migrate: rollback

DROP INDEX transactions_by_card;
DROP INDEX transactions_by_ip;
DROP INDEX transactions_by_device;
DROP TABLE breakdown_rollup;
DROP TABLE verdicts_pending;
DROP TABLE verdicts;
DROP FUNCTION only_append;
DROP TABLE review_queue;
