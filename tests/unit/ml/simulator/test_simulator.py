import re
from collections import Counter
from datetime import UTC, datetime, timedelta

from fraud_app.contracts.transaction import Transaction
from ml.profile.event import occurred_ms
from ml.simulator import Population, simulate
from ml.simulator.fraud import SCENARIOS

START = datetime(2026, 1, 1, tzinfo=UTC)


def traffic(seed=4, count=8000):
    return list(simulate(Population(seed, 6000), START, 30, count=count, seed=seed))


def test_the_same_seed_gives_the_same_traffic():
    assert traffic() == traffic()
    assert traffic(seed=5) != traffic()


def test_every_transaction_keeps_the_contract_and_comes_in_order():
    made = [Transaction.model_validate(one.transaction) for one in traffic()]
    assert len({one.transaction_id for one in made}) == len(made)
    assert [occurred_ms(one) for one in made] == sorted(occurred_ms(one) for one in made)


def test_no_id_can_pass_for_a_card_number():
    start = START + timedelta(seconds=0x41111111 - int(START.timestamp()))
    made = simulate(Population(0x4, 50), start, 1, count=200, seed=0x1111)
    assert all(
        max(map(len, re.findall(r"[\d-]+", one.transaction["transaction_id"]))) < 13 for one in made
    )


def test_fraud_is_rare_and_of_every_kind():
    made = traffic()
    kinds = Counter(one.scenario for one in made if one.is_fraud)
    assert 0.007 < sum(kinds.values()) / len(made) < 0.009
    everything = {
        one.scenario
        for one in simulate(Population(1, 6000), START, 30, count=20_000, fraud_share=0.1)
    }
    assert everything - {None} == set(SCENARIOS)
    assert not any(one.scenario for one in made if not one.is_fraud)


def test_the_truth_is_not_in_the_transaction():
    for one in traffic(count=2000):
        assert "fraud" not in str(one.transaction)
        assert one.scenario is None or one.scenario not in str(one.transaction)
