"""Country codes: what is one, and other spellings of it."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from fraud_app.contracts.country import CountryCode

CODE = TypeAdapter(CountryCode)
ZONES = Path("/usr/share/zoneinfo/iso3166.tab")


@pytest.mark.parametrize(
    ("sent", "code"), [("DE", "DE"), ("de", "DE"), ("UK", "GB"), ("el", "GR"), ("XK", "XK")]
)
def test_a_country_is_read_in_its_other_spellings(sent, code):
    assert CODE.validate_python(sent) == code


@pytest.mark.parametrize("sent", ["XX", "ZZ", "EU", "AP", "A1", "T1", "QQ", "YU", "DEU", "", "ﬁ"])
def test_what_is_no_country_is_refused(sent):
    with pytest.raises(ValidationError):
        CODE.validate_python(sent)


@pytest.mark.skipif(not ZONES.exists(), reason="this machine has no list of countries")
def test_every_country_of_the_time_zone_database_is_one():
    for line in ZONES.read_text().splitlines():
        if not line.startswith("#"):
            assert CODE.validate_python(line.split("\t")[0])
