"""`fraud model` as an operator uses it on the command line."""

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


def test_a_version_is_listed_promoted_and_taken_back(fraud, models):
    code, output = fraud("list")
    assert code == 0
    assert "one" in output
    assert "champion" in output
    assert fraud("promote", "two")[0] == 0
    assert registry.version_of(models, NAME) == "two"
    code, output = fraud("rollback")
    assert (code, registry.version_of(models, NAME)) == (0, "one")
    assert "one again" in output


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
