-- What a challenger would have decided, and how far live traffic has moved from what a model was trained on
-- depends: 20261124_01_transactions

-- migrate: apply

CREATE TABLE shadow_scores (
    transaction_id text NOT NULL,
    model          text NOT NULL,
    probability    double precision NOT NULL,
    decision       text NOT NULL CHECK (decision IN ('approve', 'review', 'block')),
    scored_at      timestamptz NOT NULL,
    PRIMARY KEY (transaction_id, model)
);

CREATE INDEX shadow_scores_by_time ON shadow_scores (model, scored_at DESC);

CREATE TABLE drift (
    model             text NOT NULL,
    measured_at       timestamptz NOT NULL,
    feature           text NOT NULL,
    psi               double precision NOT NULL,
    missing           double precision NOT NULL,
    reference_missing double precision NOT NULL,
    transactions      integer NOT NULL,
    PRIMARY KEY (model, measured_at, feature)
);

CREATE INDEX drift_by_time ON drift (measured_at);

-- migrate: rollback

DROP TABLE drift;
DROP TABLE shadow_scores;
