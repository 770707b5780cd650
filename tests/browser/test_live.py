"""The live page: calm whatever comes, filtered by its address, without holes; and the ways that
lead to it.
"""

import asyncio
import json
import re
import time
import uuid

import pytest
from playwright.async_api import expect

from tests.support.api_client import until
from tests.support.builders import payload
from tests.support.reviews import flagged

RATE = 1_000


def fresh(**fields):
    mark = uuid.uuid4().hex[:12]
    return payload(**{"transaction_id": f"t-{mark}", "user_id": f"u-{mark}", **fields})


def row_of(page, sent):
    return page.locator("#feed tr", has_text=sent["user_id"])


async def stored(api, sent):
    """History follows the decision by up to a flush."""
    await until(
        lambda: api.get(f"/api/transactions/{sent['transaction_id']}"),
        lambda answer: answer.status == 200,
    )


async def open_live(page, query=""):
    await page.goto(f"/live{query}")
    await expect(page.locator("#connection-text")).to_have_text("Live")


async def test_filters_hold_for_the_past_and_for_what_comes(page, api):
    before = await flagged(api)
    await open_live(page, "?decision=review")
    await expect(row_of(page, before)).to_be_visible()
    approved, reviewed = fresh(), None
    await api.decided(approved)
    reviewed = await flagged(api)
    await expect(row_of(page, reviewed)).to_be_visible()
    await expect(row_of(page, approved)).to_have_count(0)
    await page.locator("[name=decision]").select_option("approve")
    await expect(page).to_have_url(re.compile("decision=approve"))
    await expect(row_of(page, approved)).to_be_visible()
    await expect(row_of(page, reviewed)).to_have_count(0)
    await page.go_back()
    await expect(row_of(page, reviewed)).to_be_visible()
    await page.get_by_role("button", name="Clear filters").first.click()
    await expect(row_of(page, approved)).to_be_visible()
    assert "decision" not in page.url


async def test_no_match_offers_to_clear_the_filters(page, api):
    await api.decided(fresh())
    await open_live(page, "?q=nothing-of-the-kind")
    await expect(page.locator("#feed-empty")).to_have_text("Nothing matches these filters.")
    await page.locator("#clear-here").click()
    await expect(page.locator("#feed tr").first).to_be_visible()


async def test_the_past_is_read_page_by_page(page, api):
    country = "FO"
    sent = [fresh(country=country) for _ in range(205)]
    for start in range(0, len(sent), 41):
        await asyncio.gather(*(api.decided(one) for one in sent[start : start + 41]))
    for one in sent:
        await stored(api, one)
    await open_live(page, f"?country={country}&from=2020-01-01T00:00:00Z")
    await expect(page.locator("#mode")).to_have_text("of the past")
    await expect(page.locator("#feed tr")).to_have_count(200)
    await page.get_by_role("button", name="Older ones").click()
    await expect(page.locator("#feed tr")).to_have_count(205)
    await expect(page.get_by_role("button", name="Older ones")).to_be_hidden()


async def test_a_bar_leads_to_its_payments(page, api):
    await asyncio.gather(*(api.decided(fresh()) for _ in range(10)))
    await page.goto("/")
    bar = page.locator("#risk .bars .point path").first
    await expect(bar).to_be_attached()
    places = page.locator("#risk .bars .point path")
    await places.first.scroll_into_view_if_needed()
    boxes = [await places.nth(n).bounding_box() for n in range(await places.count())]
    box = max((one for one in boxes if one), key=lambda one: one["height"])
    await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 3)
    await expect(page.locator("#risk .hoverlayer .hovertext")).to_be_visible()
    await page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 3)
    await page.wait_for_url("**/live?min_score=*")
    await expect(page.locator("#feed tr").first).to_be_visible()
    await page.go_back()
    await page.locator("#course-data").locator("xpath=ancestor::details").locator("summary").click()
    await page.locator("#course-data a").last.click()
    await page.wait_for_url("**/live?from=*")
    await expect(page.locator("#mode")).to_have_text("of the past")


async def test_a_gap_in_the_feed_is_filled_from_the_history(page, api):
    """The server says that it dropped some; what the socket never brought is there all the same."""
    dropped = fresh()

    async def gappy(socket):
        server = socket.connect_to_server()

        def forward(message):
            frame = json.loads(message)
            if frame["type"] == "batch" and any(
                one["data"]["user_id"] == dropped["user_id"] for one in frame["items"]
            ):
                socket.send(json.dumps({"type": "gap", "dropped": len(frame["items"])}))
            else:
                socket.send(message)

        server.on_message(forward)

    await page.route_web_socket("**/ws*", gappy)
    await open_live(page)
    await api.decided(dropped)
    await expect(page.locator("#toasts")).to_contain_text("skipped in the feed")
    await expect(row_of(page, dropped)).to_be_visible()


def frame(template, number):
    items = [
        {
            "id": f"{number}-{n}",
            "event": "scored",
            "data": {**template, "transaction_id": f"flood-{number}-{n}"},
        }
        for n in range(RATE // 4)
    ]
    return json.dumps({"type": "batch", "items": items})


@pytest.fixture
def flood(page, api):
    """`start(seconds)`: a thousand decisions a second through the page's socket, whatever the
    server sends.
    """

    async def start(seconds):
        template = await api.decided(fresh())
        template.pop("features")
        opened = asyncio.get_running_loop().create_future()
        await page.route_web_socket(
            "**/ws*", lambda socket: opened.done() or opened.set_result(socket)
        )
        await page.goto("/live")
        socket = await opened

        async def pour():
            for number in range(seconds * 4):
                socket.send(frame(template, number))
                await asyncio.sleep(0.25)

        return asyncio.create_task(pour())

    return start


async def test_at_a_thousand_a_second_it_paints_four_times_a_second_and_keeps_five_hundred_rows(
    page, flood
):
    pouring = await flood(6)
    await expect(page.locator("#feed tr").first).to_be_visible()
    await page.evaluate("""() => {
      window.paints = 0;
      new MutationObserver(() => { window.paints += 1; }).observe(document.getElementById("feed"), { childList: true });
    }""")
    started = time.monotonic()
    await pouring
    seconds = time.monotonic() - started
    assert 0 < await page.evaluate("window.paints") <= 4 * seconds + 2
    assert await page.locator("#feed tr").count() < 100, (
        "only what can be seen is made while rows flow"
    )
    await page.locator("#feed-scroll").hover()
    await expect(page.locator("#feed tr")).to_have_count(500)


async def test_a_hidden_tab_paints_nothing_and_catches_up(page, api):
    await open_live(page)
    await page.evaluate(
        "Object.defineProperty(document, 'hidden', { configurable: true, get: () => true })"
    )
    unseen, seen = fresh(), fresh()
    await api.decided(unseen)
    await expect(row_of(page, unseen)).to_have_count(0)
    await page.evaluate("delete document.hidden")
    await api.decided(seen)
    await expect(row_of(page, seen)).to_be_visible()
    await expect(row_of(page, unseen)).to_be_visible()


async def test_the_focus_stays_while_rows_arrive(page, api):
    first = fresh()
    await api.decided(first)
    await open_live(page)
    await page.keyboard.press("j")
    focused = await page.evaluate("document.activeElement.href")
    assert "/tx/" in focused
    later = fresh()
    await api.decided(later)
    await expect(page.locator("#feed-new")).to_be_visible()
    assert await page.evaluate("document.activeElement.href") == focused
    await page.locator("#feed-new").press("Enter")
    await expect(row_of(page, later)).to_be_visible()
    assert await page.evaluate("document.activeElement !== document.body"), (
        "a button that goes does not take the focus along"
    )
