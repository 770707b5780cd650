"""The models page: versions, a challenger, drift, and what is said when there is nothing or when a
version is refused.
"""

import shutil
import uuid
from pathlib import Path

import orjson
import pytest
from playwright.async_api import expect

from ml.serving import registry
from tests.support.api_client import until
from tests.support.builders import payload

NAME = "fraud-lgbm"


@pytest.fixture
def challenger(running):
    store = Path(running.environment["FRAUD_MODEL__DIR"])
    version = f"browser-{uuid.uuid4().hex[:6]}"
    shutil.copytree(store / NAME / registry.version_of(store, NAME), store / NAME / version)
    registry.set_alias(store, NAME, registry.CHALLENGER, version)
    yield version
    registry.set_alias(store, NAME, registry.CHALLENGER, None)


async def test_without_a_challenger_the_page_says_how_to_get_one(page, running):
    await page.goto("/models")
    champion = registry.version_of(Path(running.environment["FRAUD_MODEL__DIR"]), NAME)
    await expect(page.locator("#in-use")).to_have_text(champion)
    await expect(page.locator("#curves-empty")).to_contain_text("--alias challenger")
    row = page.locator("#versions tr", has_text=champion).first
    await expect(row).to_contain_text("champion")
    await expect(page.get_by_role("link", name="Models")).to_have_attribute("aria-current", "page")


async def test_a_challenger_is_compared_on_the_same_transactions(page, api, challenger):
    async def shadowed():
        mark = uuid.uuid4().hex
        await api.decided(payload(transaction_id=f"t-{mark}", user_id=f"u-{mark}"))
        return (await api.get("/api/models")).body["shadow"]

    await until(shadowed, lambda shadow: shadow and shadow["transactions"] > 0, 60)
    await page.goto("/models")
    await expect(page.locator("#same")).to_have_text("100.0%")
    await expect(page.locator("#same-note")).to_contain_text(challenger)
    await expect(page.locator("#versions tr", has_text=challenger)).to_contain_text("challenger")


async def test_a_refused_version_is_said_in_words(page, api, running):
    store = Path(running.environment["FRAUD_MODEL__DIR"])
    aliases = store / NAME / "aliases.json"
    before = aliases.read_bytes()
    aliases.write_bytes(orjson.dumps({registry.CHAMPION: "never-trained"}))
    try:
        await until(lambda: api.get("/api/model"), lambda answer: bool(answer.body["error"]))
        await page.goto("/models")
        await expect(page.locator("#notice")).to_contain_text("never-trained")
    finally:
        aliases.write_bytes(before)
    await until(lambda: api.get("/api/model"), lambda answer: not answer.body["error"])


@pytest.mark.parametrize("width", [320, 1440, 3840])
async def test_the_page_fits_any_screen(page, width):
    await page.set_viewport_size({"width": width, "height": 900})
    await page.goto("/models")
    await expect(page.locator("#versions tr").first).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
