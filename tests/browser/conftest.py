"""A real Chromium on the real stack. Anything from another origin, any policy report and any page
error fails the test.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from importlib.resources import files

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from devtools.stack.test_cluster import Cluster
from fraud_app.settings import ROOT
from tests.support.api_client import TIMEOUT_S

SHOTS = ROOT / ".fraud" / "screenshots"
LOST = (
    "ERR_CONNECTION_REFUSED",
    "ERR_EMPTY_RESPONSE",
    "ERR_CONNECTION_RESET",
    "WebSocket connection",
    "status of 503",
)
"""What a browser itself writes when a server is away."""
# Swagger UI is not ours, and has faults of its own.
_AXE = """async () => (await axe.run({ include: [['body']], exclude: [['#swagger']] }, {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })).violations.map(
  (one) => `${one.id}: ${one.nodes.map((node) => `${node.target} ${node.failureSummary}`).join('; ')}`)"""

expect.set_options(timeout=TIMEOUT_S * 1000)


@pytest_asyncio.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=os.environ.get("FRAUD_BROWSER", "/usr/bin/chromium"),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield browser
        await browser.close()


class Watched:
    """Pages of one origin, each a person's own, and their faults."""

    def __init__(self, browser: Browser, origin: str) -> None:
        self._browser, self._origin = browser, origin.rstrip("/")
        self._contexts: list[tuple[object, Page]] = []
        self.faults: list[str] = []

    async def open(self, **options: object) -> Page:
        """A fresh page. Its `expected(text)` forgets faults with this text."""
        context = await self._browser.new_context(
            **{
                "base_url": self._origin,
                "viewport": {"width": 1440, "height": 1000},
                "locale": "en-GB",
                **options,
            }
        )
        page = await context.new_page()
        faults = self.faults
        page.on("pageerror", lambda error: faults.append(f"error: {error}"))
        page.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
        page.on(
            "console",
            lambda message: message.type == "error" and faults.append(f"console: {message.text}"),
        )
        page.on(
            "request",
            lambda request: self._own(request.url) or faults.append(f"off-origin: {request.url}"),
        )
        page.expected = lambda *texts: faults.__setitem__(
            slice(None), [fault for fault in faults if not any(text in fault for text in texts)]
        )
        self._contexts.append((context, page))
        return page

    def _own(self, url: str) -> bool:
        return url.startswith((self._origin, self._origin.replace("http", "ws"), "data:", "blob:"))

    async def close(self, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        for number, (context, page) in enumerate(self._contexts):
            await page.screenshot(path=SHOTS / f"{name}{number or ''}.png", full_page=True)
            await context.close()


def _name() -> str:
    return re.sub(
        r"\W+", "-", os.environ["PYTEST_CURRENT_TEST"].split("::")[-1].removesuffix(" (teardown)")
    )


@pytest_asyncio.fixture
async def people(chromium: Browser, running: Cluster) -> AsyncIterator[Watched]:
    """Pages for several people."""
    watched = Watched(chromium, running.addresses[0])
    yield watched
    await watched.close(_name())
    assert watched.faults == []


@pytest_asyncio.fixture
async def page(people: Watched) -> Page:
    """A fresh page; its faults are looked at when the test is over."""
    return await people.open()


@pytest.fixture(scope="session")
def axe_found():
    """What axe finds on a page: WCAG 2.2 A and AA, and its best practices."""
    script = (files("axe_playwright_python") / "axe.min.js").read_text()

    async def look(page: Page) -> list[str]:
        await page.evaluate(script)
        return await page.evaluate(_AXE)

    return look
