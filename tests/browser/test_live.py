"""The live page: it stays calm under load, its filters are in its address, and it has no gaps; and
the links that lead to it.
"""

import asyncio
import json
import re
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from playwright.async_api import expect

from tests.browser.conftest import FeedFrames
from tests.support.api_client import until
from tests.support.builders import fresh
from tests.support.history import stored
from tests.support.reviews import flagged

FRAMES_A_SECOND = 4
FRAME_SIZE = 250
"""Decisions in a frame: a thousand a second."""
TICK_MS = 250
"""How often the page paints."""


def row_of(page, sent):
    return page.locator("#feed tr", has_text=sent["user_id"])


async def open_live(page, query=""):
    await page.goto(f"/live{query}")
    await expect(page.locator("#connection-text")).to_have_text("Live")


async def test_filters_apply_to_stored_and_to_new_transactions(page, api):
    before = await flagged(api)
    await open_live(page, "?decision=review")
    await expect(row_of(page, before)).to_be_visible()
    approved = fresh()
    await api.decided(approved)
    reviewed = await flagged(api)
    await expect(row_of(page, reviewed)).to_be_visible()
    await expect(row_of(page, approved)).to_have_count(0)
    await stored(api, approved)  # another filter reads the list once
    await page.locator("[name=decision]").select_option("approve")
    await expect(page).to_have_url(re.compile("decision=approve"))
    await expect(row_of(page, approved)).to_be_visible()
    await expect(row_of(page, reviewed)).to_have_count(0)
    await page.go_back()
    await expect(row_of(page, reviewed)).to_be_visible()
    await page.get_by_role("button", name="Clear filters").first.click()
    await expect(row_of(page, approved)).to_be_visible()
    await expect(page).not_to_have_url(re.compile("decision"))


async def test_no_match_offers_to_clear_the_filters(page, api):
    sent = fresh()
    await api.decided(sent)
    await stored(api, sent)
    await open_live(page, "?q=nothing-of-the-kind")
    await expect(page.locator("#feed-empty")).to_have_text("Nothing matches these filters.")
    await page.locator("#clear-here").click()
    await expect(page.locator("#feed tr").first).to_be_visible()


async def test_stored_transactions_are_read_page_by_page(page, api):
    start = quote(datetime.now(UTC).isoformat())
    country = "FO"
    sent = [fresh(country=country) for _ in range(205)]
    for index in range(0, len(sent), 41):
        await asyncio.gather(*(api.decided(each) for each in sent[index : index + 41]))
    for transaction in sent:
        await stored(api, transaction)
    await open_live(page, f"?country={country}&from={start}")
    await expect(page.locator("#mode")).to_have_text("of the past")
    await expect(page.locator("#feed tr")).to_have_count(200)
    await page.get_by_role("button", name="Older ones").click()
    await expect(page.locator("#feed tr")).to_have_count(205)
    await expect(page.get_by_role("button", name="Older ones")).to_be_hidden()


async def hold_figures(page):
    """Let the page wait for its next figures until `unroute_all`: without new figures it draws no
    chart again, so a bar stays where it is. Returns when an answer is being waited for.
    """
    asked = asyncio.Event()
    await page.route("**/api/transactions/stats*", lambda _: asked.set())
    await asked.wait()


async def test_a_bar_leads_to_its_transactions(page, api):
    await asyncio.gather(*(api.decided(fresh()) for _ in range(10)))
    await page.goto("/")
    bars = page.locator("#risk .bars .point path")
    await bars.first.scroll_into_view_if_needed()
    await hold_figures(page)
    hover_text = page.locator("#risk .hoverlayer .hovertext")

    async def points_at_the_tallest_bar():
        """The drawing of the last figures may move the bar while the pointer is on its way."""
        boxes = [await bars.nth(index).bounding_box() for index in range(await bars.count())]
        box = max((box for box in boxes if box), key=lambda box: box["height"])
        await page.mouse.move(0, 0)
        await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 3)
        return await hover_text.is_visible()

    await until(points_at_the_tallest_bar)
    await page.mouse.down()
    await page.mouse.up()
    await page.wait_for_url("**/live?min_score=*")
    await expect(page.locator("#feed tr").first).to_be_visible()
    await page.unroute_all()
    await page.go_back()
    await page.locator("#course-data").locator("xpath=ancestor::details").locator("summary").click()
    await page.locator("#course-data a").last.click()
    await page.wait_for_url("**/live?from=*")
    await expect(page.locator("#mode")).to_have_text("of the past")


async def test_a_gap_in_the_feed_is_filled_from_the_history(page, api):
    """The server says that it dropped some; what the socket never brought is shown all the same."""
    dropped = fresh()
    gap = asyncio.get_running_loop().create_future()

    async def drop(socket):
        server = socket.connect_to_server()

        def forward(message):
            frame = json.loads(message)
            if frame["type"] == "batch" and any(
                item["data"]["user_id"] == dropped["user_id"] for item in frame["items"]
            ):
                gap.set_result((socket, len(frame["items"])))
            else:
                socket.send(message)

        server.on_message(forward)

    await page.route_web_socket("**/ws*", drop)
    await open_live(page)
    await api.decided(dropped)
    socket, count = await gap
    await stored(api, dropped)  # the page reads the list right after it learns of the gap
    socket.send(json.dumps({"type": "gap", "dropped": count}))
    await expect(page.locator("#toasts")).to_contain_text("skipped in the feed")
    await expect(row_of(page, dropped)).to_be_visible()


def frame_of(template, number):
    items = [
        {
            "id": f"{number}-{index}",
            "event": "scored",
            "data": {**template, "transaction_id": f"flood-{number}-{index}"},
        }
        for index in range(FRAME_SIZE)
    ]
    return json.dumps({"type": "batch", "items": items})


@pytest.fixture
def flood(page, api):
    """Opens the live page with a socket of the test. `await pour(seconds)` then sends a thousand
    decisions a second through it, whatever the server sends.
    """

    async def start():
        template = await api.decided(fresh())
        template.pop("features", None)
        opened = asyncio.get_running_loop().create_future()
        await page.route_web_socket(
            "**/ws*", lambda socket: opened.done() or opened.set_result(socket)
        )
        await open_live(page)
        socket = await opened

        async def pour(seconds):
            for number in range(seconds * FRAMES_A_SECOND):
                socket.send(frame_of(template, number))
                await asyncio.sleep(1 / FRAMES_A_SECOND)

        return pour

    return start


async def test_at_a_thousand_a_second_it_paints_four_times_a_second_and_keeps_five_hundred_rows(
    page, flood
):
    pour = await flood()
    await page.evaluate("""() => {
      window.paints = 0;
      window.watchedSince = performance.now();
      new MutationObserver(() => { window.paints += 1; })
        .observe(document.getElementById("feed"), { childList: true });
    }""")
    await pour(6)
    await expect(page.locator("#feed tr").first).to_be_visible()
    paints, milliseconds = await page.evaluate(
        "[window.paints, performance.now() - window.watchedSince]"
    )
    assert 0 < paints <= milliseconds / TICK_MS + 2
    assert await page.locator("#feed tr").count() < 100, (
        "only what can be seen is made while rows flow"
    )
    await page.locator("#feed-scroll").hover()
    await expect(page.locator("#feed tr")).to_have_count(500)


async def test_a_hidden_tab_paints_nothing_and_catches_up(page, api):
    frames = FeedFrames(page)
    await page.clock.install()
    await open_live(page)
    await page.evaluate(
        "Object.defineProperty(document, 'hidden', { configurable: true, get: () => true })"
    )
    unseen, seen = fresh(), fresh()
    await api.decided(unseen)
    await frames.received(unseen["user_id"])
    await page.clock.run_for(4 * TICK_MS)  # a visible page would have painted it by now
    await expect(row_of(page, unseen)).to_have_count(0)
    await page.evaluate("delete document.hidden")
    await api.decided(seen)
    await expect(row_of(page, seen)).to_be_visible()
    await expect(row_of(page, unseen)).to_be_visible()


async def test_the_focus_stays_while_rows_arrive(page, api):
    first = fresh()
    await api.decided(first)
    await stored(api, first)
    await open_live(page)
    await expect(row_of(page, first)).to_be_visible()
    await page.keyboard.press("j")
    await expect(page.locator("#feed a:focus")).to_have_count(1)
    focused = await page.evaluate("document.activeElement.href")
    assert "/tx/" in focused
    later = fresh()
    await api.decided(later)
    await expect(page.locator("#feed-new")).to_be_visible()
    assert await page.evaluate("document.activeElement.href") == focused
    await page.locator("#feed-new").press("Enter")
    await expect(row_of(page, later)).to_be_visible()
    assert await page.evaluate("document.activeElement !== document.body"), (
        "a button that disappears does not take the focus with it"
    )
