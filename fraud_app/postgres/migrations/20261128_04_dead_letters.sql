-- Dead letters without their values: when, why and where from; and which were sent again
-- depends: 20261128_03_customers_of_shadow_scores

-- migrate: apply

-- The offset alone would not do: a topic that is made anew begins at 0 again.
CREATE TABLE dead_letters (
    letter_offset      bigint NOT NULL,
    at                 timestamptz NOT NULL,
    code               text NOT NULL,
    detail             text NOT NULL,
    topic              text NOT NULL,
    original_partition bigint,
    original_offset    bigint,
    original_at        timestamptz,
    attempts           bigint NOT NULL,
    masked             boolean NOT NULL,
    size               integer NOT NULL,
    original_length    bigint,
    original_sha256    text,
    transaction_id     text,
    user_id            text,
    preview            text NOT NULL,
    resent_at          timestamptz,
    resent_by          text,
    resent_partition   integer,
    resent_offset      bigint,
    PRIMARY KEY (at, letter_offset)
);

CREATE INDEX dead_letters_by_offset ON dead_letters (letter_offset, at DESC);
CREATE INDEX dead_letters_by_code ON dead_letters (code, at DESC, letter_offset DESC);
CREATE INDEX dead_letters_by_record ON dead_letters (topic, original_partition, original_offset);
CREATE INDEX dead_letters_by_user ON dead_letters (user_id, at DESC, letter_offset DESC) WHERE user_id IS NOT NULL;
CREATE INDEX dead_letters_by_transaction ON dead_letters (transaction_id, at DESC) WHERE transaction_id IS NOT NULL;

-- migrate: rollback

DROP TABLE dead_letters;
