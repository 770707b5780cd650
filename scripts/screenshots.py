#!/usr/bin/env python3
"""Take the screenshots of docs/images from a running scripts/demo:

    scripts/screenshots.py [http://127.0.0.1:6066]

Let the demo run for some minutes first, so that there is something to see.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from typing import Any

import _environment

_environment.enter()

import aiohttp
from playwright.async_api import async_playwright

from fraud_app.settings import ROOT

IMAGES = ROOT / "docs" / "images"
SETTLE_MS = 2_500
"""Charts are drawn only after their data has arrived."""


async def main(address: str) -> None:
    async with aiohttp.ClientSession(address) as session:
        item = await first_in_queue(session)
    pages = {
        "overview": "/",
        "live": "/live",
        "review": f"/review?tx={item['transaction_id']}",
        "transaction": f"/tx/{item['transaction_id']}",
        "customer": f"/users/{item['user_id']}",
        "models": "/models",
        "operations": "/ops",
    }
    async with async_playwright() as playwright:
        executable = (
            os.environ.get("FRAUD_BROWSER")
            or shutil.which("chromium")
            or shutil.which("google-chrome")
        )
        browser = await playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-gpu"]
        )
        context = await browser.new_context(
            base_url=address, viewport={"width": 1440, "height": 1000}, locale="en-GB"
        )
        for name, path in pages.items():
            page = await context.new_page()
            await page.goto(path)
            await page.wait_for_timeout(SETTLE_MS)
            await page.screenshot(path=IMAGES / f"{name}.png")
            await page.close()
            print(IMAGES / f"{name}.png")
        await browser.close()


async def first_in_queue(session: aiohttp.ClientSession) -> dict[str, Any]:
    """The transaction that an analyst would look at first. Exits when the review queue is empty."""
    async with session.get("/api/reviews?limit=1") as response:
        items = (await response.json())["items"]
    if not items:
        sys.exit("nothing waits for a review yet: let the demo run for a while")
    transaction: dict[str, Any] = items[0]["transaction"]
    return transaction


if __name__ == "__main__":
    asyncio.run(main((sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:6066").rstrip("/")))
