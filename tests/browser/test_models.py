"""The models page: versions, a challenger, drift, and what it says when there is none or when a
version is refused.
"""

import shutil
import uuid

import pytest
import pytest_asyncio
from playwright.async_api import expect

from ml.serving import registry
from tests.support.api_client import until
from tests.support.builders import fresh
from tests.support.models import NAME, point_at, registry_of, version_decides


@pytest.fixture
def challenger(running):
    store = registry_of(running)
    version = f"browser-{uuid.uuid4().hex[:6]}"
    shutil.copytree(store / NAME / registry.version_of(store, NAME), store / NAME / version)
    registry.set_alias(store, NAME, registry.CHALLENGER, version)
    yield version
    registry.set_alias(store, NAME, registry.CHALLENGER, None)


@pytest_asyncio.fixture
async def refused(running):
    """A champion that was never trained; afterwards the workers follow the old one again."""
    store = registry_of(running)
    version = registry.version_of(store, NAME)
    point_at(store, registry.CHAMPION, "never-trained")
    yield "never-trained"
    registry.set_alias(store, NAME, registry.CHAMPION, version)
    await version_decides(running, version)


async def test_without_a_challenger_the_page_says_how_to_get_one(page, running):
    await page.goto("/models")
    champion = registry.version_of(registry_of(running), NAME)
    await expect(page.locator("#in-use")).to_have_text(champion)
    await expect(page.locator("#curves-empty")).to_contain_text("--alias challenger")
    row = page.locator("#versions tr", has_text=champion).first
    await expect(row).to_contain_text("champion")
    await expect(page.get_by_role("link", name="Models")).to_have_attribute("aria-current", "page")


async def test_a_challenger_is_compared_on_the_same_transactions(page, api, challenger):
    async def shadowed():
        await api.decided(fresh())
        return (await api.get("/api/models")).body["shadow"]

    await until(shadowed, lambda shadow: shadow["transactions"] > 0)
    await page.goto("/models")
    await expect(page.locator("#same")).to_have_text("100.0%")
    await expect(page.locator("#same-note")).to_contain_text(challenger)
    await expect(page.locator("#versions tr", has_text=challenger)).to_contain_text("challenger")


async def test_a_refused_version_is_named_with_its_reason(page, api, refused):
    await until(lambda: api.get("/api/model"), lambda answer: refused in answer.body["error"])
    await page.goto("/models")
    await expect(page.locator("#notice")).to_contain_text(refused)


@pytest.mark.parametrize("width", [320, 1440, 3840])
async def test_the_page_fits_any_screen(page, width):
    await page.set_viewport_size({"width": width, "height": 900})
    await page.goto("/models")
    await expect(page.locator("#versions tr").first).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
