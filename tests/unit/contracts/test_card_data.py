"""Card data: what is refused, what is masked, and what only looks like a card number."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraud_app.contracts import card_data


@pytest.mark.parametrize(
    ("fields", "masked", "pointers"),
    [
        ({"note": "4111 1111 1111 1111"}, {"note": "**** **** **** 1111"}, ["/note"]),
        ({"note": 4111111111111111}, {"note": "************1111"}, ["/note"]),
        ({"note": 4111111111111111.0}, {"note": "************1111"}, ["/note"]),
        ({"a": {"b": [{"c": "4111111111111111"}]}}, {"a": {"b": [{"c": "************1111"}]}},
         ["/a/b/0/c"]),
        ({"note": [["4111", 1111, "1111", "1111"]]}, {"note": [["***", "***", "***", "1111"]]},
         ["/note/0"]),
        ({"4111111111111111": 1}, {"************1111": 1}, ["/************1111"]),
        ({"a/b~": "4111111111111111"}, {"a/b~": "************1111"}, ["/a~1b~0"]),
        ({"user_id": "4111111111111111"}, {"user_id": "411111******1111"}, ["/user_id"]),
        ({"cid": 1234, "note": "cvv 737"}, {"cid": "***", "note": "cvv ***"}, ["/cid", "/note"]),
        ({"card": {"number": "4111", "cvc": 737, "brand": "visa"}},
         {"card": {"number": "***", "cvc": "***", "brand": "visa"}}, ["/card/number", "/card/cvc"]),
        ({"metadata": {"Security Code": ["any", "thing"]}}, {"metadata": {"Security Code": "***"}},
         ["/metadata/Security Code"]),
    ],
)  # fmt: skip
def test_card_data_is_masked_wherever_it_stands_and_the_place_is_told(fields, masked, pointers):
    with pytest.raises(card_data.CardDataRefused):
        card_data.refuse(fields)
    result, findings = card_data.masked_fields(fields)
    assert result == masked
    assert [finding.pointer for finding in findings] == pointers
    assert "4111" not in str([finding.problem for finding in findings])
    card_data.refuse(result)


@pytest.mark.parametrize(
    "fields",
    [
        {"product_code": "4006381333931", "sku": 4006381333931, "gtins": ["4000000000002"]},
        {"order_id": "20261124000017", "phone": "4915123456789", "created_at": 1764000000000},
        {"items": [{"id": "500000000009", "amount": 12.5}]},
        {"cvv": None, "card_number": "", "pan": "************1111", "csc": False},
        {"cvc_check": "pass", "card_last4": "1111", "gift_card_number": "ABC-1"},
        {"track_id": "1234", "cid": "GA1.2.123456789", "company": "4711"},
        {"latitude": 52.520008, "note": "0.4111111111111111"},
    ],
)
def test_what_only_looks_like_card_data_is_left_alone(fields):
    card_data.refuse(fields)
    assert card_data.masked_fields(fields) == (fields, ())


def test_what_is_refused_is_said_without_the_value():
    with pytest.raises(card_data.CardDataRefused, match="fingerprint") as refused:
        card_data.refuse({"note": "4111111111111111"})
    assert "4111" not in str(refused.value)


def test_no_more_places_are_told_than_a_message_has_room_for():
    fields = {f"n{number}": "4111111111111111" for number in range(100)}
    masked, findings = card_data.masked_fields(fields)
    assert set(masked.values()) == {"************1111"}
    assert len(findings) == card_data.MAX_FINDINGS


def test_a_long_name_is_looked_at_whole_and_told_in_part():
    name = "x" * 100 + " 4111111111111111"
    masked, [finding] = card_data.masked_fields({name: 1})
    assert list(masked) == ["x" * 100 + " ************1111"]
    assert finding.pointer == "/" + "x" * 64
    with pytest.raises(card_data.CardDataRefused):
        card_data.refuse({name: 1})


def test_nesting_is_bounded():
    deep = {}
    for _ in range(card_data.MAX_DEPTH + 1):
        deep = {"a": deep}
    with pytest.raises(ValueError, match="nested deeper than 8"):
        card_data.refuse(deep)


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
        (b'{"cvv":"***","x":"Infinity"}', b'{"cvv": 123, "x": 1e400}'),
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
def test_what_is_masked_passes(value, card):
    masked = orjson.loads(card_data.masked(orjson.dumps({"a": value, "b": card})))
    assert card not in (masked["a"], masked["b"])
    card_data.refuse(masked)


_NAMES = st.text(max_size=20) | st.sampled_from(["cvv", "note", *sorted(card_data.IN_CONTRACT)])


@given(st.dictionaries(_NAMES, _JSON | st.sampled_from(["4222222222222", 500000000009])))
def test_fields_are_refused_exactly_when_masking_changes_them(fields):
    masked, findings = card_data.masked_fields(fields)
    card_data.refuse(masked)
    assert card_data.masked_fields(masked) == (masked, ())
    if findings:
        with pytest.raises(card_data.CardDataRefused):
            card_data.refuse(fields)
    else:
        assert masked == fields
        card_data.refuse(fields)


@given(st.binary(max_size=200))
def test_any_bytes_can_be_kept(value):
    masked = card_data.masked(value)
    assert card_data.masked(masked) == masked


@given(st.integers(0, 10**12))
def test_order_numbers_and_times_are_no_cards(number):
    card_data.refuse(
        {"order": str(number), "at": "2026-11-24T09:30:00.123Z", "id": f"0193-{number:012d}"}
    )
