"""Dead letters as text for a terminal."""

from datetime import UTC, datetime

from fraud_app.cli.dlq_text import described, table
from fraud_app.contracts.letter_summary import summary_of
from fraud_app.postgres.dead_letters import Resent, StoredLetter
from tests.support.builders import NOW_MS

HEADERS = [
    ("dlq_error_code", b"invalid"),
    ("dlq_error_message", b"/amount: too small"),
    ("dlq_original_topic", b"transactions.raw"),
    ("dlq_original_partition", b"2"),
    ("dlq_original_offset", b"17"),
]
VALUE = b'{"transaction_id": "t-1", "user_id": "u-1"}'


def letter(offset=5, headers=HEADERS, resent=None):
    return StoredLetter(summary_of(offset, NOW_MS, VALUE, headers), resent)


def test_a_list_has_one_line_for_each_letter_below_its_head():
    head, first, second = table([letter(5), letter(123_456)])
    assert head.split("  ")[0] == "OFFSET"
    assert first.startswith("5       2025-11-24 16:00:00  invalid  transactions.raw 2:17  t-1")
    assert second.startswith("123456  ")
    assert first.endswith("-           /amount: too small")


def test_an_empty_list_is_its_head():
    assert len(table([])) == 1


def test_a_letter_that_was_sent_again_is_marked():
    at = datetime(2026, 11, 28, 1, 2, 3, tzinfo=UTC)
    _, line = table([letter(resent=Resent(at, "ann", 2, 99))])
    assert "2026-11-28 01:02:03" in line
    facts = "\n".join(described(letter(resent=Resent(at, "ann", 2, 99))))
    assert "2026-11-28 01:02:03 UTC by ann, to transactions.raw 2:99" in facts


def test_no_letter_can_forge_a_line_or_move_the_cursor():
    forged = [("dlq_error_message", b"why\n999  2026-01-01\x1b[2J\r"), ("dlq_error_code", b"a\tb")]
    lines = table([letter(headers=forged)])
    assert len(lines) == 2
    assert not {"\x1b", "\r", "\t"} & set(lines[1])
    assert not any("\n" in line for line in described(letter(headers=forged)))


def test_a_letter_that_says_nothing_of_its_record_is_listed():
    _, line = table([letter(headers=[])])
    assert "unknown  ? ?:?" in line


def test_a_cut_letter_says_so():
    cut = [*HEADERS, ("dlq_original_length", b"1000002"), ("dlq_original_sha256", b"ab")]
    facts = "\n".join(described(letter(headers=cut)))
    assert "the record had 1000002 bytes" in facts
    assert "sha256       ab" in facts
