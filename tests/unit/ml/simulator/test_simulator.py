import re
from collections import Counter
from datetime import UTC, datetime, timedelta

from fraud_app.contracts.transaction import Transaction
from ml.profile.event import event_time_ms
from ml.simulator import Population, simulate
from ml.simulator.fraud import SCENARIOS

START = datetime(2026, 1, 1, tzinfo=UTC)


def traffic(seed=4, count=8000):
    return list(simulate(Population(seed, 6000), START, 30, count=count, seed=seed))


def test_the_same_seed_gives_the_same_traffic():
    assert traffic() == traffic()
    assert traffic(seed=5) != traffic()


def test_every_transaction_keeps_the_contract_and_comes_in_order():
    sent = [Transaction.model_validate(labelled.transaction) for labelled in traffic()]
    assert len({transaction.transaction_id for transaction in sent}) == len(sent)
    times = [event_time_ms(transaction, 0) for transaction in sent]
    assert times == sorted(times)


def test_no_id_can_pass_for_a_card_number():
    start = START + timedelta(seconds=0x41111111 - int(START.timestamp()))
    for labelled in simulate(Population(0x4, 50), start, 1, count=200, seed=0x1111):
        numbers = re.findall(r"[\d-]+", labelled.transaction["transaction_id"])
        assert max(map(len, numbers)) < 13


def test_fraud_is_rare_and_of_every_kind():
    transactions = traffic()
    kinds = Counter(labelled.scenario for labelled in transactions if labelled.is_fraud)
    assert 0.007 < sum(kinds.values()) / len(transactions) < 0.009
    much_fraud = simulate(Population(1, 6000), START, 30, count=20_000, fraud_share=0.1)
    assert {labelled.scenario for labelled in much_fraud} - {None} == set(SCENARIOS)
    assert not any(labelled.scenario for labelled in transactions if not labelled.is_fraud)


def test_the_truth_is_not_in_the_transaction():
    for labelled in traffic(count=2000):
        sent = str(labelled.transaction)
        assert "fraud" not in sent
        assert labelled.scenario is None or labelled.scenario not in sent
