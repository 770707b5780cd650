"""`fraud model` as an operator uses it on the command line."""

import os
import shutil
import subprocess
import sys

import pytest

from fraud_app.settings import ROOT
from ml.serving import promotion, registry
from tests.support.models import COMPARED

NAME = "fraud-lgbm"


@pytest.fixture
def fraud(models):
    def run(*arguments):
        process = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "fraud_app", "model", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            env={
                **os.environ,
                "FRAUD_MODEL__DIR": str(models),
                "FRAUD_POSTGRES__DSN": "postgresql://nobody@127.0.0.1:9/none",
            },
            check=False,
        )
        return process.returncode, process.stdout + process.stderr

    return run


def compare_with_champion(models, version, **fields):
    """Write what the training found, as one of the version's files."""
    champion = registry.read_alias(models, NAME)
    compared = COMPARED._replace(champion=champion.reference, **fields)
    directory = models / NAME / version
    contents = {path.name: path.read_bytes() for path in directory.iterdir()}
    del contents[registry.MANIFEST]
    shutil.rmtree(directory)
    registry.write(directory, {**contents, promotion.FILE: promotion.encode(compared)})


def test_a_version_is_listed_promoted_and_taken_back(fraud, models):
    code, output = fraud("list")
    assert code == 0
    assert "one" in output
    assert "champion" in output
    compare_with_champion(models, "two", saving_low_eur=10.0)
    assert fraud("promote", "two")[0] == 0
    assert registry.version_of(models, NAME) == "two"
    code, output = fraud("rollback")
    assert (code, registry.version_of(models, NAME)) == (0, "one")
    assert "one again" in output


def test_what_is_not_surely_cheaper_is_promoted_by_force_only_and_that_is_noted(fraud, models):
    code, output = fraud("promote", "two")
    assert code != 0
    assert "never compared" in output
    compare_with_champion(models, "two", saving_low_eur=-10.0)
    code, output = fraud("promote", "two")
    assert code != 0
    assert "not surely cheaper" in output
    assert registry.version_of(models, NAME) == "one"
    code, output = fraud("promote", "two", "--force")
    assert (code, registry.version_of(models, NAME)) == (0, "two")
    assert "although it is not surely cheaper" in output
    assert "not surely cheaper" in registry.history(models, NAME)[-1]["despite"][0]


def test_anything_may_be_a_challenger(fraud, models):
    assert fraud("promote", "two", "--alias", "challenger")[0] == 0
    assert registry.version_of(models, NAME, "challenger") == "two"


def test_the_comparison_on_the_same_transactions_is_shown(fraud, models):
    compare_with_champion(models, "two")
    for arguments in (("show", "two"), ("compare", "one", "two")):
        code, output = fraud(*arguments)
        assert code == 0
        assert "on the same 9,000 transactions of 3,000 customers" in output


def test_two_versions_are_compared_even_while_the_database_is_away(fraud):
    code, output = fraud("compare", "champion", "two")
    assert code == 0
    assert "pr auc" in output
    assert "PostgreSQL does not answer" in output


def test_what_cannot_be_done_is_said(fraud, models):
    (models / NAME / "two" / "model.txt").write_text("changed")
    for arguments, reason in (
        (("promote", "two"), "sha256"),
        (("promote", "three"), "not a complete model"),
        (("frobnicate",), "model list"),
    ):
        code, output = fraud(*arguments)
        assert code != 0
        assert reason in output
    assert registry.version_of(models, NAME) == "one"
