"""A text with digits of all scripts as ASCII ones, for whoever looks for numbers in it. Every
character stays at its place, and what is written as an escape is read.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata

NOTHING = "\0"
"""Stands for what has no width."""
_KEPT = 4096
"""Characters that are remembered."""
_ESCAPE = re.compile(
    r"%[0-7][0-9A-Fa-f]|%[C-Fc-f][0-9A-Fa-f](?:%[89ABab][0-9A-Fa-f]){1,3}"
    r"|\\u[0-9A-Fa-f]{4}|\\[nrt]|&(?:#\d{1,6}|#[Xx][0-9A-Fa-f]{1,5}|[a-z]{3,8});"
)
"""One character in a URL, a text in JSON or HTML."""
may_have_escapes = re.compile(r"[%&\\]").search


def with_plain_digits(text: str) -> str:
    """The text with ASCII digits. Other letters become `x`, blanks and dashes ASCII ones, what has
    no width a NUL. An escape becomes its character, behind NULs.

    >>> with_plain_digits("４١–%34é")
    '41-\\x00\\x004x'
    """
    plain = text if text.isascii() else text.translate(_PLAIN)
    return _ESCAPE.sub(_unescaped, plain) if may_have_escapes(plain) else plain


class _Plain(dict[int, str]):
    """A table for `str.translate` that fills itself."""

    def __missing__(self, code: int) -> str:
        plain = chr(code) if code < 128 else _plain_of(chr(code))
        if len(self) < _KEPT:
            self[code] = plain
        return plain


_PLAIN = _Plain()


def _plain_of(letter: str) -> str:
    digit = unicodedata.digit(letter, None)
    if digit is not None:
        return str(digit)
    category = unicodedata.category(letter)
    if category in ("Mn", "Me", "Cf"):
        return NOTHING
    if category == "Zs":
        return " "
    if category == "Pd" or letter == "\N{MINUS SIGN}":
        return "-"
    return "x" if category[0] in "LN" or category == "Mc" else "."


def _unescaped(match: re.Match[str]) -> str:
    escape = match.group()
    if escape[0] == "%":
        letter = bytes.fromhex(escape.replace("%", "")).decode(errors="replace")[0]
    elif escape[0] == "&":
        letter = html.unescape(escape)[0]
    else:
        letter = json.loads(f'"{escape}"')
    return letter.translate(_PLAIN).rjust(len(escape), NOTHING)
