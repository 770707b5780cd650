"""The wheel: what is in it, and that its command works anywhere."""

import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from tests.support.source import PRODUCT, ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A wheel of this checkout, unpacked as an installation would."""
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    for folder in (*PRODUCT, "devtools", "tests"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, source / folder, ignore=ignored)
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            source,
            source,
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    (wheel,) = source.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)
    return site


def test_the_wheel_holds_the_product_with_its_data_and_nothing_else(installed):
    files = {
        path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()
    }
    packages = {name.partition("/")[0] for name in files if ".dist-info" not in name}
    assert packages == set(PRODUCT)
    assert {
        "fraud_app/py.typed",
        "ml/training/costs.toml",
        "web/static/style.css",
        "web/templates/base.html",
    } <= files
    migrations = {path.name for path in (ROOT / "fraud_app/postgres/migrations").glob("*.sql")}
    assert migrations == {
        path.name for path in (installed / "fraud_app/postgres/migrations").glob("*")
    }
    modules = {
        path.relative_to(ROOT).as_posix()
        for folder in PRODUCT
        for path in (ROOT / folder).rglob("*.py")
    }
    assert {name for name in files if name.endswith(".py")} == modules


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (("--help",), "worker"),
        (("config", "show"), "FRAUD_KAFKA__BROKERS="),
        (("key", "new"), "hash: "),
        (("dlq", "--help"), "resend"),
        (("faust", "agents"), "scoring"),
        (("worker", "--help"), "--web-port"),
        (("sinks", "--help"), "PostgreSQL"),
    ],
    ids=" ".join,
)
def test_every_command_works_from_the_wheel_in_any_folder(installed, tmp_path, arguments, answer):
    done = subprocess.run(
        [sys.executable, "-m", "fraud_app", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert answer in done.stdout
