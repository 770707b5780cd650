"""A real Chromium on the real stack. Anything from another origin, any policy report and any page error fails the test."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from fraud_app.local.running import Running
from fraud_app.settings import ROOT

SHOTS = ROOT / ".fraud" / "screenshots"


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


@pytest_asyncio.fixture
async def page(chromium: Browser, running: Running) -> AsyncIterator[Page]:
    """A fresh page; its faults are looked at when the test is over."""
    context = await chromium.new_context(
        base_url=running.addresses[0], viewport={"width": 1440, "height": 1000}, locale="en-GB"
    )
    made = await context.new_page()
    faults: list[str] = []
    made.on("pageerror", lambda error: faults.append(f"error: {error}"))
    made.on("console", lambda message: message.type == "error" and faults.append(f"console: {message.text}"))
    origin = running.addresses[0].rstrip("/")

    def own(url: str) -> bool:
        return url.startswith((origin, origin.replace("http", "ws"), "data:", "blob:"))

    made.on("request", lambda request: own(request.url) or faults.append(f"off-origin: {request.url}"))
    made.expected = lambda text: faults.__setitem__(slice(None), [fault for fault in faults if text not in fault])
    yield made
    SHOTS.mkdir(parents=True, exist_ok=True)
    name = os.environ["PYTEST_CURRENT_TEST"].split("::")[-1].split(" ")[0]
    await made.screenshot(path=SHOTS / f"{name}.png", full_page=True)
    await context.close()
    assert faults == []
