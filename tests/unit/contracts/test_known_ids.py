"""Identifiers that are known by their form."""

import pytest

from fraud_app.contracts.known_ids import without_known_ids


@pytest.mark.parametrize(
    "identifier",
    [
        "a4111111-1111-4111-9111-11111111111e",
        "A4111111-1111-4111-9111-11111111111E",
        "e4111111111111111f00000000000000",
        "a910:434:5802:8641:3043:63d0:fda3:df31",
        "DE89 3704 0044 0532 0130 00",
        "DE89370400440532013000",
        "gb29-nwbk-6016-1331-9268-19",
        "BE68539007547034",
        "+49 1512 3456789",
        "+4915123456789",
        "+1 (415) 555-2671",
        "+62 812-3456-7890",
    ],
)
@pytest.mark.parametrize("frame", ["{}", "see {}, please", "({})"])
def test_they_are_blanked(identifier, frame):
    text = frame.format(identifier)
    blanked = without_known_ids(text)
    assert len(blanked) == len(text)
    assert not any(letter.isdigit() for letter in blanked)


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111111",
        "DE88 3704 0044 0532 0130 00",  # wrong check digits
        "CC4111111111111111",  # no country with IBANs
        "+4111 1111 1111 1111",  # longer than any phone number
        "card+378282246310005",  # a blank in a URL
        "4111111111111111D251210100000123456",  # the second track of a card
        "x4111111111111111",
        "4111-1111-1111-1111-a",
    ],
)
def test_what_has_not_quite_their_form_stays(text):
    assert without_known_ids(text) == text
