"""Everything that a batch leads to, before any of it happens."""

import json
from functools import partial

import orjson
from hypothesis import given
from hypothesis import strategies as st

from fraud_app.decisions.effects import effects_of
from fraud_app.decisions.parse import Record, parse
from fraud_app.decisions.pipeline import Position
from fraud_app.kafka.partitioner import partition_of
from tables.user_row import EMPTY, decode
from tests.support.builders import NOW_MS, payload

PARTITIONS = 4
HOME = partition_of("u1", PARTITIONS)
POSITION = Position({}, {})


class NoRows:
    def read(self, partition, user_id):
        return EMPTY


def parsed(offset, value, partition=HOME):
    record = Record(partition, offset, b"k", value, NOW_MS)
    return parse(record, partial(partition_of, partitions=PARTITIONS))


def effects(*values):
    items = [parsed(offset, value) for offset, value in enumerate(values)]
    return effects_of(items, NoRows(), None, None, POSITION)


def test_good_bad_and_misrouted_records_each_lead_where_they_belong():
    stranger = next(name for name in "abcdef" if partition_of(name, PARTITIONS) != HOME)
    made = effects(orjson.dumps(payload()), b"{", orjson.dumps(payload(user_id=stranger)))
    assert [code for code, _ in made.letters] == ["malformed"]
    assert [partition for partition, _ in made.rerouted] == [partition_of(stranger, PARTITIONS)]
    assert [item.transaction.user_id for item, _ in made.decisions] == ["u1"]
    assert decode(made.rows[HOME]["u1"]).offset == 0


def test_card_data_is_not_written_once_more_when_a_record_is_sent_on():
    stranger = next(name for name in "abcdef" if partition_of(name, PARTITIONS) != HOME)
    made = effects(orjson.dumps(payload(user_id=stranger, note="4111111111111111", cvv="737")))
    [(_, (key, value, headers))] = made.rerouted
    assert key == stranger.encode()
    assert orjson.loads(value)["note"] == "************1111"
    assert b"737" not in value
    assert dict(headers)["fraud_masked"] == b'[["number","/note"],["field","/cvv"]]'
    assert "fraud_rerouted" in dict(headers)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
fields = st.sampled_from([*payload(), "note", "n"])


@given(st.dictionaries(fields, json_values, max_size=6))
def test_whatever_json_comes_it_is_a_decision_or_a_dead_letter(changes):
    value = json.dumps(payload(**changes)).encode()
    made = effects(value)
    assert len(made.decisions) + len(made.letters) + len(made.rerouted) == 1
    for _, (_, message, _) in made.decisions:
        scored = json.loads(message)
        assert scored["decision"] == "review"
        for name, value in changes.items():
            if name in ("note", "n") and isinstance(value, int):
                assert scored["metadata"][name] == value, "integers stay exact"


@given(st.binary(max_size=200))
def test_whatever_bytes_come_they_are_a_dead_letter(value):
    assert len(effects(value).letters) == 1
