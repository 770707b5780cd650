"""What is written down is what the code does."""

import re

import pytest

from devtools.generate import reference, schemas
from fraud_app import settings
from web.http import problem


@pytest.mark.parametrize("name", schemas.files())
def test_the_schemas_are_those_of_the_models(name):
    assert (schemas.DIRECTORY / name).read_bytes() == schemas.files()[name], (
        "run: python -m devtools.generate.schemas"
    )


def test_the_reference_is_that_of_the_code():
    assert reference.PATH.read_text() == reference.text(), (
        "run: python -m devtools.generate.reference"
    )


def test_every_error_code_is_explained():
    page = (settings.ROOT / "web" / "templates" / "errors.html").read_text()
    used = set()
    for path in (settings.ROOT / "web").rglob("*.py"):
        used |= set(re.findall(r"Problem\(\s*\d+,\s*\"(\w+)\"", path.read_text()))
    assert used
    assert problem.CONTENT_TYPE in page
    for code in used:
        assert f'id="{code}"' in page, code


def test_every_link_of_the_readme_leads_somewhere():
    text = (settings.ROOT / "README.md").read_text()
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (settings.ROOT / target).exists(), target


def test_the_pages_load_nothing_from_elsewhere():
    for path in (settings.ROOT / "web").rglob("*"):
        if path.suffix in (".html", ".js", ".css") and "vendor" not in path.parts:
            assert not re.findall(
                r"(?:src|href|url|import|fetch)\W{1,3}https?://", path.read_text()
            ), path


def test_no_pickle_and_no_eval_of_data():
    for package in ("fraud_app", "agents", "tables", "web", "ml", "scripts"):
        for path in (settings.ROOT / package).rglob("*.py"):
            found = re.search(
                r"^\s*(?:import|from) (?:pickle|joblib)\b|(?<![\w.])(?:eval|exec)\(",
                path.read_text(),
                re.MULTILINE,
            )
            assert not found, (path, found)
