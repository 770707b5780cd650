"""What makes a crash harmless: whatever is delivered again, and whenever, the row ends up the same."""

from hypothesis import given, settings
from hypothesis import strategies as st

from fraud_app.contracts.scored import Decision
from fraud_app.decisions.classify import DeliveryKind, classify
from ml.profile.layout import view
from tables.row_update import add_decision
from tables.user_row import EMPTY, MAX_PENDING, decode, encode
from tests.support.builders import NOW_MS, decision, event, same


def decided(number):
    return decision(
        probability_ppm=number, scored_ms=NOW_MS + number, decision=list(Decision)[number % 3]
    )


def deliver(row, number, offset, acked_offset, **fields):
    """One record to a row, as the agent does it. The row and the decision that is emitted."""
    one = event(NOW_MS + number * 1000, transaction_id=f"t{number}", **fields)
    met = classify(row, one, 1, offset)
    if met.kind is not DeliveryKind.NEW:
        return row, met
    made = decided(number)
    return add_decision(row, one, made, 1, offset, acked_offset), met._replace(decision=made)


def test_the_same_record_again_changes_nothing_and_gives_its_decision():
    row, first = deliver(EMPTY, 1, 0, -1)
    again, second = deliver(row, 1, 0, -1)
    assert second.kind is DeliveryKind.REPLAYED
    assert second.decision == first.decision
    assert same(again, row)


def test_a_client_that_sends_twice_is_counted_once_and_gets_the_first_decision():
    row, first = deliver(EMPTY, 1, 0, -1)
    for offset in range(1, 20):
        row, _ = deliver(row, offset + 1, offset, offset - 1)
    again, met = deliver(row, 1, 20, 19)
    assert met.kind is DeliveryKind.DUPLICATE
    assert (met.decision.decision, met.decision.probability_ppm, met.decision.model) == (
        first.decision.decision,
        first.decision.probability_ppm,
        first.decision.model,
    )
    assert view(again.profile).payments == 20


def test_a_used_id_with_another_amount_is_a_conflict():
    row, _ = deliver(EMPTY, 1, 0, -1)
    after, met = deliver(row, 1, 1, 0, amount="999")
    assert met.kind is DeliveryKind.CONFLICT
    assert same(after, row)


def test_a_topic_made_anew_starts_at_offset_zero_again():
    row, _ = deliver(EMPTY, 1, 500, -1)
    assert (
        classify(row, event(NOW_MS, transaction_id="t2"), 1, 0).kind is DeliveryKind.ALREADY_ACKED
    )
    assert classify(row, event(NOW_MS, transaction_id="t2"), 2, 0).kind is DeliveryKind.NEW


@settings(max_examples=200)
@given(st.data())
def test_any_crashes_and_duplicates_lead_to_the_same_row_and_decisions(data):
    """A log of records is read with crashes: each goes back to any uncommitted offset, with the row
    kept or as the changelog has it.
    """
    numbers = data.draw(
        st.lists(st.integers(0, 12), min_size=1, max_size=25),
        label="which transaction each offset carries",
    )
    expected = EMPTY
    for offset, number in enumerate(numbers):
        expected, _ = deliver(expected, number, offset, offset - 1)

    row = changelog = EMPTY
    emitted: dict[int, set] = {}
    acknowledged: set[int] = set()
    offset = committed = 0
    crashes = 0
    while offset < len(numbers):
        acked_offset = committed - 1
        if (
            offset > row.offset
            and len([one for one in row.pending if one.offset > acked_offset]) >= MAX_PENDING
        ):
            committed, changelog = offset, row  # the agent waits for the broker before it goes on
            acknowledged.update(numbers[:offset])
            continue
        row, met = deliver(row, numbers[offset], offset, acked_offset)
        row = decode(encode(row))
        if met.decision is not None:
            emitted.setdefault(numbers[offset], set()).add(
                (met.decision.decision, met.decision.probability_ppm)
            )
        offset += 1
        event_kind = data.draw(
            st.sampled_from(["go on", "acknowledge", "crash", "crash and lose the disk"]),
            label="then",
        )
        if event_kind == "acknowledge":
            committed, changelog = offset, row
        elif event_kind.startswith("crash") and crashes < 8:
            crashes += 1
            row = changelog if "disk" in event_kind else row
            offset = committed
    assert view(row.profile).payments == view(expected.profile).payments == len(set(numbers))
    assert same(row.profile, expected.profile)
    assert set(emitted) == set(numbers)
    assert all(len(decisions) == 1 for decisions in emitted.values())
