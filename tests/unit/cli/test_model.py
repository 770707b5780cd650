"""`fraud model`, as an operator types it."""

import os
import subprocess
import sys

import pytest

from fraud_app.settings import ROOT
from ml.serving import registry

NAME = "fraud-lgbm"


@pytest.fixture
def fraud(models):
    def run(*arguments):
        done = subprocess.run(
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
        return done.returncode, done.stdout + done.stderr

    return run


def test_a_version_is_listed_promoted_and_taken_back(fraud, models):
    code, told = fraud("list")
    assert code == 0
    assert "one" in told
    assert "champion" in told
    assert fraud("promote", "two")[0] == 0
    assert registry.version_of(models, NAME) == "two"
    code, told = fraud("rollback")
    assert (code, registry.version_of(models, NAME)) == (0, "one")
    assert "one again" in told


def test_two_versions_are_compared_even_while_the_database_is_away(fraud):
    code, told = fraud("compare", "champion", "two")
    assert code == 0
    assert "pr auc" in told
    assert "PostgreSQL does not answer" in told


def test_what_cannot_be_done_is_said(fraud, models):
    (models / NAME / "two" / "model.txt").write_text("changed")
    for arguments, reason in (
        (("promote", "two"), "sha256"),
        (("promote", "three"), "not a complete model"),
        (("frobnicate",), "model list"),
    ):
        code, told = fraud(*arguments)
        assert code != 0
        assert reason in told
    assert registry.version_of(models, NAME) == "one"
