"""Card data: what is refused, what is masked, and what only looks like a card number."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraud_app.contracts import card_data


@pytest.mark.parametrize(
    "value",
    [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        4111111111111111,
        {"deep": ["4111111111111111"]},
        "x4111111111111111y",
        "order 21 4111111111111111 of 2026",
        "card \uff14" + "\uff11" * 15,  # full-width digits
        "\u0664\u0661\u0661\u0661 " + "\u0661\u0661\u0661\u0661-1111 1111",  # Arabic ones, and ours
        "2026-11-24-4111-1111-1111-1111",
        "1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "4\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661",
        "4111-1111-1111-1111-a",  # too short for a random identifier
        "4111111111111111 c0ffee00c0ffee00c0ffee00",
    ],
)
def test_a_card_number_is_refused_in_any_dress(value):
    with pytest.raises(card_data.CardDataRefused):
        card_data.refuse({"note": value})


@pytest.mark.parametrize(
    "identifier",
    [
        "a4111111-1111-4111-9111-11111111111e",
        "t-e4111111111111111f00000000000000",
        "sha256:" + "4111111111111111" * 3 + "abcdef0123456789",
    ],
)
def test_digits_within_a_uuid_or_a_digest_are_no_card(identifier):
    card_data.refuse({"id": identifier})


@given(st.uuids(version=4))
def test_no_uuid_is_taken_for_a_card(identifier):
    card_data.refuse({"transaction_id": str(identifier), "device_id": f"d-{identifier.hex}"})


@pytest.mark.parametrize("name", ["cvv", "CVC", "pan", "card-number", "track2"])
def test_fields_for_card_data_are_refused_by_name(name):
    with pytest.raises(card_data.CardDataRefused, match="fingerprint"):
        card_data.refuse({name: "anything"})


@pytest.mark.parametrize(
    ("masked", "refused"),
    [
        (b'{"note":"************1111"}', b'{"note": "4111111111111111"}'),
        (b'{"note":"**** **** **** 1111"}', rb'{"note": "\u0034111 1111 1111 1111"}'),
        (
            b'{"a":["************1111",{"************1111":true}]}',
            b'{"a": [4111111111111111, {"4111111111111111": true}]}',
        ),
        (b"************1111", b"4111111111111111"),
        (b'{"cvv":"***","x":1}', b'{"cvv": 123, "x": 1}'),
        (b'{"deep":{"Card-Number":"***"}}', b'{"deep": {"Card-Number": ["any", "thing"]}}'),
        (b'{"n": "************1111", "n": 1}', b'{"n": "4111111111111111", "n": 1}'),
        (b'{"pan": "***", "cvv":"***", half', b'{"pan": "411 broken", "cvv":123, half'),
        (("*" * 12 + "\uff11" * 4).encode(), ("\uff14" + "\uff11" * 15).encode()),
        (b'user ************1111 \xff cvv="***"', b"user 4111111111111111 \xff cvv=123"),
        (b'"' + b"[" * 5000 + b"************1111", b'"' + b"[" * 5000 + b"4111111111111111"),
    ],
)
def test_what_is_kept_of_a_refused_message_has_no_card_data(masked, refused):
    assert card_data.masked(refused) == masked


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{not json",
        b'{"amount": "-1",  "note": "pan: fish"}',
        b'{"id": "a4111111-1111-4111-9111-11111111111e"}',
        b"\xff\x00",
    ],
)
def test_a_message_without_card_data_is_kept_byte_for_byte(value):
    assert card_data.masked(value) == value


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text()
    | st.sampled_from(["4111 1111 1111 1111", "x5555555555554444y"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=8) | st.sampled_from(["cvv", "PAN", "4111111111111111"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(_JSON, st.sampled_from(["4111111111111111", 5555555555554444, {"track": "x"}]))
def test_what_is_masked_would_not_be_refused_for_its_values(value, card):
    masked = orjson.loads(card_data.masked(orjson.dumps({"a": value, "b": card})))
    assert card not in (masked["a"], masked["b"])
    card_data.refuse(_without_forbidden_names(masked))


def _without_forbidden_names(value):
    if isinstance(value, dict):
        return {
            name: _without_forbidden_names(item)
            for name, item in value.items()
            if not card_data._is_forbidden(name) or item != "***"
        }
    return [_without_forbidden_names(item) for item in value] if isinstance(value, list) else value


@given(st.integers(0, 10**12))
def test_order_numbers_and_times_are_no_cards(number):
    card_data.refuse(
        {"order": str(number), "at": "2026-11-24T09:30:00.123Z", "id": f"0193-{number:012d}"}
    )
