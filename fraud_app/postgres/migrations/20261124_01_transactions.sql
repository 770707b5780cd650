-- Decided transactions, their rollup for the dashboard, and what became known of them later
-- depends:

-- migrate: apply

CREATE TABLE transactions (
    transaction_id  text PRIMARY KEY,
    user_id         text NOT NULL,
    merchant_id     text NOT NULL,
    category        text NOT NULL,
    amount          numeric NOT NULL,
    currency        text NOT NULL,
    device_id       text,
    ip              text,
    country         text,
    card            text,
    decision        text NOT NULL CHECK (decision IN ('approve', 'review', 'block')),
    risk_score      smallint NOT NULL,
    probability     double precision,
    latency_ms      double precision NOT NULL,
    model           text,
    occurred_at     timestamptz NOT NULL,
    received_at     timestamptz NOT NULL,
    scored_at       timestamptz NOT NULL,
    stored_at       timestamptz NOT NULL DEFAULT now(),
    -- json, not jsonb: kept byte for byte, and \u0000 in a shop's metadata is legal JSON
    scored          json NOT NULL
);

CREATE INDEX transactions_by_time ON transactions (scored_at DESC, transaction_id DESC);
CREATE INDEX transactions_by_user ON transactions (user_id, scored_at DESC, transaction_id DESC);
CREATE INDEX transactions_flagged ON transactions (scored_at DESC, transaction_id DESC) WHERE decision <> 'approve';

CREATE TABLE decision_rollup (
    bucket       timestamptz NOT NULL,
    decision     text NOT NULL,
    score_bin    smallint NOT NULL,
    latency_bin  smallint NOT NULL,
    transactions bigint NOT NULL,
    amount_eur   numeric NOT NULL,
    PRIMARY KEY (bucket, decision, score_bin, latency_bin)
);

CREATE TABLE labels (
    transaction_id text NOT NULL,
    source         text NOT NULL,
    is_fraud       boolean NOT NULL,
    scenario       text,
    labelled_at    timestamptz NOT NULL,
    PRIMARY KEY (transaction_id, source)
);

-- migrate: rollback

DROP TABLE labels;
DROP TABLE decision_rollup;
DROP TABLE transactions;
