"""A real Chromium on the real servers. A request to another origin, a report of the content
security policy or an error on a page fails the test.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from devtools.stack.test_cluster import Cluster
from fraud_app.settings import ROOT
from tests.support.api_client import TIMEOUT_S, until

SHOTS = ROOT / ".fraud" / "screenshots"
LOST = (
    "ERR_CONNECTION_REFUSED",
    "ERR_EMPTY_RESPONSE",
    "ERR_CONNECTION_RESET",
    "WebSocket connection",
    "status of 503",
)
"""What a browser itself logs when a server does not answer."""
# Swagger UI is not ours, and has faults of its own.
_AXE = """async () => {
  const result = await axe.run({ include: [['body']], exclude: [['#swagger']] }, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
  const words = (nodes) => nodes.map((node) => `${node.target} ${node.failureSummary}`).join('; ');
  return result.violations.map((violation) => `${violation.id}: ${words(violation.nodes)}`);
}"""

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
    """Pages of one origin, each in a browser session of its own, and their faults."""

    def __init__(self, browser: Browser, origin: str) -> None:
        self._browser, self._origin = browser, origin.rstrip("/")
        self._contexts: list[tuple[BrowserContext, Page]] = []
        self._faults: list[str] = []
        self._expected: list[str] = []

    @property
    def faults(self) -> list[str]:
        """All that went wrong so far, without what the test expects."""
        return [
            fault for fault in self._faults if not any(text in fault for text in self._expected)
        ]

    async def open(self, **options: object) -> Page:
        """A fresh page. `page.expected(text)` says that faults with this text belong to the test,
        whether they are logged before or after the call.
        """
        context = await self._browser.new_context(
            **{
                "base_url": self._origin,
                "viewport": {"width": 1440, "height": 1000},
                "locale": "en-GB",
                **options,
            }
        )
        context.set_default_timeout(TIMEOUT_S * 1000)
        page = await context.new_page()
        faults = self._faults
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
        page.expected = lambda *texts: self._expected.extend(texts)  # type: ignore[attr-defined]
        self._contexts.append((context, page))
        return page

    def _own(self, url: str) -> bool:
        return url.startswith((self._origin, self._origin.replace("http", "ws"), "data:", "blob:"))

    async def close(self, name: str) -> None:
        """Take a picture of each page and close it."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        for number, (context, page) in enumerate(self._contexts):
            await page.screenshot(path=SHOTS / f"{name}{number or ''}.png", full_page=True)
            await context.close()


@asynccontextmanager
async def watching(browser: Browser, origin: str, name: str) -> AsyncIterator[Watched]:
    """Pages of this origin; when they are closed, none may have had a fault."""
    watched = Watched(browser, origin)
    try:
        yield watched
    finally:
        await watched.close(name)
    assert watched.faults == []


class FeedFrames:
    """What the live feed has sent to a page. To be made before the page is opened."""

    def __init__(self, page: Page) -> None:
        self._frames: list[str] = []
        page.on("websocket", lambda socket: socket.on("framereceived", self._add))

    def _add(self, frame: str | bytes) -> None:
        self._frames.append(frame if isinstance(frame, str) else frame.decode())

    async def received(self, text: str) -> None:
        """Wait until a frame with this text has reached the page."""

        async def arrived() -> bool:
            return any(text in frame for frame in self._frames)

        await until(arrived)


def _name() -> str:
    return re.sub(r"\W+", "-", os.environ["PYTEST_CURRENT_TEST"].split("::")[-1].split(" (")[0])


@pytest_asyncio.fixture
async def people(chromium: Browser, running: Cluster) -> AsyncIterator[Watched]:
    """Pages for several people."""
    async with watching(chromium, running.addresses[0], _name()) as watched:
        yield watched


@pytest_asyncio.fixture
async def page(people: Watched) -> Page:
    """A fresh page; its faults are looked at when the test is over."""
    return await people.open()


@pytest.fixture(scope="session")
def axe_violations():
    """What axe finds on a page: WCAG 2.2 A and AA, and its best practices."""
    script = (files("axe_playwright_python") / "axe.min.js").read_text()

    async def look(page: Page) -> list[str]:
        await page.evaluate(script)
        return await page.evaluate(_AXE)

    return look
