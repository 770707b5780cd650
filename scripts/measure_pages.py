#!/usr/bin/env python3
"""Measure the pages of a running worker in a real browser: bytes, time to content, time of
interactions, memory.

    scripts/demo --rate 1000                        # in one terminal; 8 without --rate
    scripts/measure_pages.py --minutes 10              # in another
    scripts/measure_pages.py --flood 1000 --minutes 10 # a thousand a second for the page alone

First load: an empty cache; bytes are those on the wire. Interaction: the browser's own Event Timing
(from the input to the next paint, in steps of 8 ms) of clicks and keys. Memory: the JavaScript heap
after a collection, each minute.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import shutil
import time
from typing import Any

import _environment

_environment.enter()

from playwright.async_api import Browser, Page, WebSocketRoute, async_playwright

# A scored transaction for --flood.
_DECISION: dict[str, Any] = {
    "user_id": "flood",
    "amount": "20.00",
    "currency": "EUR",
    "merchant_id": "m1",
    "category": "other",
    "device_id": "d1",
    "ip": None,
    "payment_method": {"type": "card", "fingerprint": "fp1", "bin_country": "DE"},
    "country": "DE",
    "decision": "approve",
    "risk_score": 12,
    "probability": 0.001,
    "reasons": [],
    "degraded": [],
    "latency_ms": {"total": 3.0, "features": 0.1, "model": 0.3},
    "scored_at": "2026-11-25T12:00:00.000Z",
}
# Each page, and the element that its content is there with.
PAGES = {
    "/": "#tile-rate:not(:text-is('–'))",
    "/live": "#feed tr",
    "/review": "#queue li",
    "/models": "#versions tr",
    "/ops": "#processes tbody tr",
}
FRAMES_PER_SECOND = 4
"""Frames of --flood."""
_WATCH = """
window.slowest = new Map();
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (entry.interactionId) {
    const slowest = window.slowest.get(entry.interactionId) ?? 0;
    window.slowest.set(entry.interactionId, Math.max(slowest, entry.duration));
  }
})
  .observe({ type: 'event', durationThreshold: 16, buffered: true });
"""


async def first_load(browser: Browser, address: str, path: str, content: str) -> str:
    """Bytes on the wire, and ms until the content is there, with nothing cached."""
    context = await browser.new_context(base_url=address, viewport={"width": 1440, "height": 1000})
    page = await context.new_page()
    client = await context.new_cdp_session(page)
    await client.send("Network.enable")
    sizes: list[float] = []
    client.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    started = time.perf_counter()
    await page.goto(path, wait_until="commit")
    await page.locator(content).first.wait_for()
    spent = (time.perf_counter() - started) * 1000
    await page.wait_for_load_state("load")
    paint = await page.evaluate(
        "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN"
    )
    await context.close()
    return (
        f"{path:10} {sum(sizes) / 1000:7.0f} kB   first paint {paint:5.0f} ms"
        f"   content {spent:5.0f} ms"
    )


async def interact(page: Page, path: str, acts: list[Any], rounds: int) -> str:
    """Do each of the interactions `rounds` times; a line with their durations in ms."""
    await page.goto(path)
    await page.locator(PAGES[path]).first.wait_for()
    for _ in range(rounds):
        for act in acts:
            await act()
            await asyncio.sleep(0.15)
    slow: list[float] = sorted(await page.evaluate("[...window.slowest.values()]"))
    count = rounds * len(acts)
    # The browser reports only interactions that took 16 ms or longer.
    durations = sorted([16.0] * max(0, count - len(slow)) + slow)
    over = sum(duration > 100 for duration in durations)
    return (
        f"{path:10} {count} interactions: half within {durations[count // 2]:.0f} ms, "
        f"slowest {durations[-1]:.0f} ms, {over} over 100 ms"
    )


_floods: set[asyncio.Task[None]] = set()


def flood_page(socket: WebSocketRoute, rate: int) -> None:
    """Send `rate` decisions a second to the page, four frames a second, instead of what the server
    sends. A new socket ends the flood of the last one.
    """

    async def run() -> None:
        for frame in itertools.count():
            items = [
                {
                    "id": f"{frame}-0",
                    "event": "scored",
                    "data": {**_DECISION, "transaction_id": f"flood-{frame}-{index}"},
                }
                for index in range(rate // FRAMES_PER_SECOND)
            ]
            socket.send(json.dumps({"type": "batch", "items": items}))
            await asyncio.sleep(1 / FRAMES_PER_SECOND)

    for task in _floods:
        task.cancel()
    task = asyncio.create_task(run())
    _floods.add(task)
    task.add_done_callback(_floods.discard)


async def main(address: str, minutes: int, flood: int) -> None:
    async with async_playwright() as playwright:
        executable = (
            os.environ.get("FRAUD_BROWSER")
            or shutil.which("chromium")
            or shutil.which("google-chrome")
        )
        browser = await playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-gpu"]
        )
        for path, content in PAGES.items():
            print(await first_load(browser, address, path, content), flush=True)
        context = await browser.new_context(
            base_url=address, viewport={"width": 1440, "height": 1000}
        )
        await context.add_init_script(_WATCH)
        page = await context.new_page()
        if flood:
            await page.route_web_socket("**/ws*", lambda socket: flood_page(socket, flood))
        overview = [
            lambda: page.locator("#feed-pause").click(),
            lambda: page.locator("#risk-log").click(),
            lambda: page.locator("summary", has_text="Show data").first.click(),
        ]
        print(await interact(page, "/", overview, 20), flush=True)
        live = [
            lambda: page.locator("#feed-pause").click(),
            lambda: page.locator("[name=decision]").select_option("review"),
            lambda: page.keyboard.press("j"),
            lambda: page.locator("[name=decision]").select_option(""),
        ]
        print(await interact(page, "/live", live, 20), flush=True)
        if minutes:
            await page.goto("/live")
            client = await context.new_cdp_session(page)
            for minute in range(minutes + 1):
                await client.send("HeapProfiler.collectGarbage")
                used = (await client.send("Runtime.getHeapUsage"))["usedSize"] / 1e6
                nodes = (await client.send("Memory.getDOMCounters"))["nodes"]
                print(f"/live after {minute:3} min: heap {used:.1f} MB, {nodes} nodes", flush=True)
                if minute < minutes:
                    await asyncio.sleep(60)
        await browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("address", nargs="?", default="http://127.0.0.1:6066")
    parser.add_argument(
        "--flood",
        type=int,
        default=0,
        help="decisions a second through the page's socket, instead of the server's",
    )
    parser.add_argument(
        "--minutes", type=int, default=0, help="how long to watch the memory of /live"
    )
    args = parser.parse_args()
    asyncio.run(main(args.address.rstrip("/"), args.minutes, args.flood))
