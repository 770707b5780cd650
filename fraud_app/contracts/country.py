"""What is a country, and how its code is written: ISO 3166-1 alpha-2, and XK for Kosovo, which has
no code of its own there. Other codes are taken as missing: those of address databases for a region,
a proxy, Tor or an unknown place (EU, AP, A1, T1, XX), and countries that are no more (AN, YU).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

_LIST = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS
BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE
EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM
HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC
LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA
NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO
TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
"""
_CODES = frozenset(_LIST.split())
_ALIASES = {"UK": "GB", "EL": "GR"}
"""Reserved codes that shops and the European Union use for a country with another code."""


def _country(code: str) -> str:
    """The code in upper case, as ISO 3166-1 has it. Raises `ValueError` for what is no country."""
    upper = code.upper()
    upper = _ALIASES.get(upper, upper)
    if upper not in _CODES or not code.isascii():  # the ligature "ﬁ" is "FI" in upper case
        raise ValueError("not a country of ISO 3166-1")
    return upper


CountryCode = Annotated[
    str,
    AfterValidator(_country),
    Field(
        description="ISO 3166-1 alpha-2, in any case; UK and EL mean GB and GR",
        json_schema_extra={"pattern": "^[A-Za-z]{2}$"},
    ),
]
