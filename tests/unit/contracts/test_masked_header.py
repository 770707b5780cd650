"""What a record's header tells of card data that was masked before."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraud_app.contracts.card_data import KINDS, MAX_FINDINGS, Finding
from fraud_app.contracts.masked_header import MAX_POINTER, NAME, findings_of, headers_of


def test_what_is_told_is_read():
    findings = tuple(Finding(f"/note~1{kind}", problem) for problem, kind in KINDS.items())
    [(name, value)] = headers_of(findings)
    assert name == NAME
    assert findings_of(value) == findings


def test_nothing_masked_needs_no_header():
    assert headers_of([]) == []


@pytest.mark.parametrize(
    "value", [b"", b"1", b"\xff", b"{}", b'["/note"]', b'[["number"]]', b'[["x","/note"]]',
              b'[["number",1]]', b'[["number","note"]]', b'[[["number"],"/a"]]', b'"ab"']
)  # fmt: skip
def test_a_header_of_somebody_else_tells_nothing(value):
    assert findings_of(value) == ()


@given(st.binary(max_size=200))
def test_no_header_raises(value):
    findings_of(value)


def test_what_a_foreign_header_says_is_bounded_and_without_card_numbers():
    told = [["number", "/" + "4111111111111111" + "x" * 1000]] * 100
    findings = findings_of(json.dumps(told).encode())
    assert len(findings) == MAX_FINDINGS
    assert {len(finding.pointer) for finding in findings} == {MAX_POINTER}
    assert "4111" not in findings[0].pointer
