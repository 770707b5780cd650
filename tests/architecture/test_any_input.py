"""Whatever stands in a record, the only results are a decision or a dead letter. A decision can be
stored, shown and read by the contract, and HTTP judges the same JSON as Kafka does.
"""

import json
from datetime import datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic_core import from_json

from fraud_app.contracts.reading import REQUIRED, read_json
from fraud_app.contracts.scored import ScoredTransaction
from fraud_app.contracts.transaction import Transaction
from fraud_app.decisions.effects import effects_of
from fraud_app.decisions.parse import Record, parse
from fraud_app.decisions.pipeline import Position
from fraud_app.postgres.shadow_scores import score_rows
from fraud_app.postgres.transactions import parse_row
from fraud_app.settings import ROOT
from ml.serving import registry
from ml.serving.scorer import Scorer
from tables.user_row import EMPTY
from tests.support.builders import NOW_MS, payload
from web.api.transaction_body import posted_transaction
from web.http.problem import Problem
from web.live import item_of

LARGEST_MESSAGE = 1_000_000
"""The broker's limit for a record."""
MAX_SCALE = 16_383
"""Most digits after the point of a PostgreSQL `numeric`."""


class NoRows:
    """Nobody was ever seen."""

    def read(self, partition, user_id):
        return EMPTY


@pytest.fixture(scope="module")
def scorer():
    models = ROOT / "models"
    return Scorer(registry.read(models / "fraud-lgbm" / registry.version_of(models, "fraud-lgbm")))


def result_of(value, scorer):
    """The decision on a record, as a message; None when it is a dead letter."""
    parsed = parse(Record(0, 7, b"u1", value, NOW_MS), lambda _: 0)
    effects = effects_of([parsed], NoRows(), None, scorer, Position({0: 1}, {}))
    assert len(effects.decisions) + len(effects.letters) == 1
    for _, (_, kept, headers) in effects.letters:
        assert dict(headers)["dlq_error_message"]
        assert len(kept or b"") < LARGEST_MESSAGE
    for _, (_, message, _) in effects.decisions:
        return message
    return None


def check_that_it_can_be_kept_and_shown(message, scorer):
    assert len(message) < LARGEST_MESSAGE
    row = parse_row(message)
    for column in row:
        assert not isinstance(column, str) or ("\0" not in column and column.encode())
    assert r"\u0000" not in row.scored.replace(r"\\", "")
    assert -int(row.amount.as_tuple().exponent) <= MAX_SCALE
    assert row.occurred_at is None or isinstance(row.occurred_at, datetime)
    assert len(score_rows([row], scorer)) == 1
    assert item_of(("1-1", message)).frame
    ScoredTransaction.model_validate_json(message)


huge_integers = st.integers() | st.integers(300, 1000).map(lambda digits: 10**digits)
numbers = st.floats() | huge_integers | st.sampled_from([0.1 + 0.2, 1e-320, -0.0, 2**63, -(2**63)])
numeric_texts = st.sampled_from(
    ["NaN", "-Infinity", "1e-1000100", "0E+999999999", "1_000", "12,90", "12.90", "-0", "0x10"]
)
texts = st.text(max_size=20) | numeric_texts | st.sampled_from(["\0", "\\u0000"])
values = st.recursive(
    st.none() | st.booleans() | numbers | texts | st.sampled_from(["EUR", "isk", "DE", "declined"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)
fields = st.dictionaries(st.sampled_from([*Transaction.model_fields]) | texts, values, max_size=6)
required = st.fixed_dictionaries(
    {name: st.just(payload()[name]) | values for name in sorted(REQUIRED)}
)
transactions = st.builds(lambda sent, more: sent | more, required, fields) | st.builds(
    lambda more: {**more, **{name: payload()[name] for name in REQUIRED}}, fields
)
mutations = st.builds(
    lambda sent, start, end, bytes_: sent[:start] + bytes_ + sent[end:],
    st.builds(lambda more: json.dumps({**payload(), **more}).encode(), fields),
    st.integers(0, 400),
    st.integers(0, 400),
    st.binary(max_size=4),
)
nested = st.builds(
    lambda name, levels: (
        json.dumps(payload())[:-1].encode() + name + b"[" * levels + b"]" * levels + b"}"
    ),
    st.sampled_from([b', "cvv": ', b', "ip": ', b', "metadata": ', b', "amount": ']),
    st.integers(1, 300),
)
records = (
    st.binary(max_size=200)
    | values.map(lambda value: json.dumps(value).encode())
    | transactions.map(lambda value: json.dumps(value).encode())
    | mutations
    | nested
)


@settings(max_examples=600, deadline=None)
@given(records)
@example(json.dumps(payload(metadata={"n": 10**400})).encode())
@example(json.dumps(payload(payment_method={"type": "x", "n": 2**70, "nul": "\0"})).encode())
@example(json.dumps(payload(amount="12.9" + "0" * 40_000)).encode())
@example(json.dumps(payload(currency="ISK", amount="1000")).encode())
@example(json.dumps(payload(metadata={"half of a character": "\ud83d"})).encode())
@example(b"\xef\xbb\xbf{}")
def test_any_record_is_a_decision_that_can_be_kept_or_a_dead_letter(scorer, value):
    message = result_of(value, scorer)
    if message is not None:
        check_that_it_can_be_kept_and_shown(message, scorer)


@settings(max_examples=300, deadline=None)
@given(fields)
def test_optional_fields_of_any_value_never_cost_the_decision(scorer, optional):
    least = {name: payload()[name] for name in REQUIRED}
    value = json.dumps({**optional, **least}).encode()
    check_that_it_can_be_kept_and_shown(result_of(value, scorer), scorer)


@settings(max_examples=300, deadline=None)
@given(transactions)
@example(payload(metadata={"half of a character": "\ud83d"}))
@example(payload(transaction_id=float("inf")))
@example(payload(merchant_id=float("inf")))
def test_http_judges_as_kafka_does(sent):
    # HTTP alone fills in these two when they are missing.
    for name in ("transaction_id", "occurred_at"):
        if sent.get(name) is None:
            sent[name] = payload()[name]
    text = json.dumps(sent).encode()
    try:
        by_http = posted_transaction(from_json(text)).read
    except (ValueError, Problem):
        with pytest.raises(ValueError, match="validation error"):
            read_json(text)
    else:
        by_kafka = read_json(text)
        assert by_http.transaction == by_kafka.transaction
        places = [[warning.field for warning in read.warnings] for read in (by_http, by_kafka)]
        assert places[0] == places[1]
