"""What makes a crash harmless: whatever is delivered again, and when, the row ends up the same."""

from hypothesis import given, settings
from hypothesis import strategies as st

from fraud_app.contracts.scored import Decision
from fraud_app.decisions.classify import DeliveryKind, classify
from ml.profile.layout import view
from ml.profile.update import is_declined
from tables.origins import Origin
from tables.row_update import add_decision, add_decline, pass_over
from tables.user_row import EMPTY, MAX_PENDING, decode, encode
from tests.support.builders import NOW_MS, decision, event, same


def decided(number):
    return decision(
        probability_ppm=number, scored_ms=NOW_MS + number, decision=list(Decision)[number % 3]
    )


def deliver(row, number, offset, acked_offset, origin=None, **fields):
    """Process a record as the agent does. Returns the row and what the record was classified as."""
    delivered = event(NOW_MS + number * 1000, transaction_id=f"t{number}", **fields)
    classified = classify(row, delivered, 1, offset, origin)
    if classified.kind is not DeliveryKind.NEW:
        if classified.kind is DeliveryKind.UPDATE:
            row = add_decline(row, classified.age, 1, offset, origin)
        elif origin is not None and offset > row.offset:
            row = pass_over(row, 1, offset, origin)
        return row, classified
    new = decided(number)
    row = add_decision(row, delivered, new, 1, offset, acked_offset, origin)
    return row, classified._replace(decision=new)


def test_a_redelivered_record_changes_nothing_and_gives_its_decision_again():
    row, first = deliver(EMPTY, 1, 0, -1)
    again, second = deliver(row, 1, 0, -1)
    assert second.kind is DeliveryKind.REPLAYED
    assert second.decision == first.decision
    assert same(again, row)


def test_a_transaction_that_a_client_sends_twice_is_counted_once_and_gets_the_first_decision():
    row, first = deliver(EMPTY, 1, 0, -1)
    for offset in range(1, 20):
        row, _ = deliver(row, offset + 1, offset, offset - 1)
    again, duplicate = deliver(row, 1, 20, 19)
    assert duplicate.kind is DeliveryKind.DUPLICATE
    assert (
        duplicate.decision.decision,
        duplicate.decision.probability_ppm,
        duplicate.decision.model,
    ) == (
        first.decision.decision,
        first.decision.probability_ppm,
        first.decision.model,
    )
    assert view(again.profile).payments == 20


def test_a_known_id_with_another_amount_is_a_conflict():
    row, _ = deliver(EMPTY, 1, 0, -1)
    after, conflict = deliver(row, 1, 1, 0, amount="999")
    assert conflict.kind is DeliveryKind.CONFLICT
    assert same(after, row)


def test_a_later_decline_counts_and_the_decision_stands():
    row, first = deliver(EMPTY, 1, 0, -1)
    row, update = deliver(row, 1, 1, 0, issuer_response="declined")
    assert update.kind is DeliveryKind.UPDATE
    assert update.decision.probability_ppm == first.decision.probability_ppm
    assert view(row.profile).payments == 1
    assert is_declined(row.profile, 1)
    _, again = deliver(row, 1, 2, 1, issuer_response="declined")
    assert again.kind is DeliveryKind.DUPLICATE


def test_an_approval_after_a_decline_does_not_take_the_decline_back():
    row, _ = deliver(EMPTY, 1, 0, -1, issuer_response="declined")
    row, later = deliver(row, 1, 1, 0, issuer_response="approved")
    assert later.kind is DeliveryKind.DUPLICATE
    assert is_declined(row.profile, 1)


def test_an_update_with_another_body_is_a_conflict():
    row, _ = deliver(EMPTY, 1, 0, -1)
    _, other = deliver(row, 1, 1, 0, amount="999", issuer_response="declined")
    assert other.kind is DeliveryKind.CONFLICT


def test_an_update_whose_message_may_be_lost_is_sent_again():
    row, first = deliver(EMPTY, 1, 0, -1)
    row, _ = deliver(row, 1, 1, 0, issuer_response="declined")
    row, _ = deliver(row, 2, 2, 1)
    _, again = deliver(row, 1, 1, 0, issuer_response="declined")
    assert again.kind is DeliveryKind.REPLAYED
    assert again.decision.probability_ppm == first.decision.probability_ppm


def test_a_record_that_is_rerouted_again_after_many_others_is_not_counted_again():
    row, first = deliver(EMPTY, 0, 0, -1, origin=Origin(3, 17))
    assert first.kind is DeliveryKind.NEW
    for offset in range(1, 41):
        row, _ = deliver(row, offset, offset, offset - 1)
    row, again = deliver(row, 0, 41, 40, origin=Origin(3, 17))
    assert again.kind is DeliveryKind.REROUTED_AGAIN
    assert again.decision is None
    row, after_the_first_life = deliver(row, 50, 42, 41, origin=Origin(3, 18))
    assert after_the_first_life.kind is DeliveryKind.NEW
    assert view(row.profile).payments == 42


def test_a_duplicate_that_is_rerouted_twice_is_not_counted_once_its_id_is_forgotten():
    row, _ = deliver(EMPTY, 0, 0, -1)
    row, duplicate = deliver(row, 0, 1, 0, origin=Origin(3, 17))
    assert duplicate.kind is DeliveryKind.DUPLICATE
    for offset in range(2, 42):
        row, _ = deliver(row, offset, offset, offset - 1)
    _, again = deliver(row, 0, 42, 41, origin=Origin(3, 17))
    assert again.kind is DeliveryKind.REROUTED_AGAIN


def test_origins_of_an_earlier_life_of_the_topic_count_for_nothing():
    row, _ = deliver(EMPTY, 0, 0, -1, origin=Origin(3, 17))
    other = event(NOW_MS, transaction_id="other")
    assert classify(row, other, 2, 0, Origin(3, 4)).kind is DeliveryKind.NEW


@given(st.data())
def test_however_often_records_are_rerouted_each_is_counted_once(data):
    """Records of two wrong partitions. Each partition's reader is killed several times, and sends
    on again from its committed offset; the copies mix with each other and with plain records.
    """
    logs: dict[int, list[int]] = {}
    for partition in (1, 2):
        length, sent, committed = data.draw(st.integers(0, 6)), 0, 0
        logs[partition] = []
        while sent < length:
            to = data.draw(st.integers(committed + 1, length))
            logs[partition] += range(committed, to)
            sent = max(sent, to)
            committed = data.draw(st.integers(committed, sent))
    turns = data.draw(st.permutations([1] * len(logs[1]) + [2] * len(logs[2]) + [0] * 50))
    different = sum(len(set(log)) for log in logs.values())
    row, number = EMPTY, 100
    for offset, turn in enumerate(turns):
        if turn:
            origin = Origin(turn, logs[turn].pop(0))
            row, _ = deliver(row, 10 * turn + origin.offset, offset, offset - 1, origin=origin)
        else:
            number += 1
            row, _ = deliver(row, number, offset, offset - 1)
        row = decode(encode(row))
    assert view(row.profile).payments == 50 + different


def test_a_recreated_topic_starts_at_offset_zero_again():
    row, _ = deliver(EMPTY, 1, 500, -1)
    other = event(NOW_MS, transaction_id="t2")
    assert classify(row, other, 1, 0).kind is DeliveryKind.ALREADY_ACKED
    assert classify(row, other, 2, 0).kind is DeliveryKind.NEW


@settings(max_examples=200)
@given(st.data())
def test_any_crashes_and_duplicates_lead_to_the_same_row_and_decisions(data):
    """A log of records is read with crashes. Each crash goes back to the committed offset, with the
    row as the local disk has it, or as the changelog has it.
    """
    records = data.draw(
        st.lists(
            st.tuples(st.integers(0, 12), st.sampled_from([None, "declined", "approved"])),
            min_size=1,
            max_size=25,
        ),
        label="which transaction each offset carries, and the issuer's answer",
    )
    numbers = [number for number, _ in records]
    expected = EMPTY
    for offset, (number, answer) in enumerate(records):
        expected, _ = deliver(expected, number, offset, offset - 1, issuer_response=answer)

    row = changelog = EMPTY
    emitted: dict[int, set] = {}
    offset = committed = 0
    crashes = 0
    while offset < len(numbers):
        acked_offset = committed - 1
        pending = sum(decided.offset > acked_offset for decided in row.pending)
        if offset > row.offset and pending >= MAX_PENDING:
            committed, changelog = offset, row  # the agent waits for the broker before it goes on
            continue
        number, answer = records[offset]
        row, classified = deliver(row, number, offset, acked_offset, issuer_response=answer)
        row = decode(encode(row))
        decision = classified.decision
        if decision is not None:
            emitted.setdefault(numbers[offset], set()).add(
                (decision.decision, decision.probability_ppm)
            )
        offset += 1
        next_step = data.draw(
            st.sampled_from(["go on", "acknowledge", "crash", "crash and lose the disk"]),
            label="then",
        )
        if next_step == "acknowledge":
            committed, changelog = offset, row
        elif next_step.startswith("crash") and crashes < 8:
            crashes += 1
            row = changelog if "disk" in next_step else row
            offset = committed
    assert view(row.profile).payments == view(expected.profile).payments == len(set(numbers))
    assert same(row.profile, expected.profile)
    assert set(emitted) == set(numbers)
    assert all(len(decisions) == 1 for decisions in emitted.values())
