"""The overview page: the test form, the live feed, the figures and the charts."""

import asyncio
import uuid

import pytest
from playwright.async_api import expect

from tests.browser.conftest import LOST, FeedFrames
from tests.support.api_client import TIMEOUT_S
from tests.support.builders import fresh
from tests.support.cluster import RECOVERY_S
from tests.support.history import everything_stored, stored

SHOWN = 60
"""Decisions that the overview keeps in its feed."""
FLOWING = 40
"""Those that are painted while nobody holds the feed."""


@pytest.mark.parametrize(
    ("button", "decisions"),
    [("Submit Normal TX", ["Approved"]), ("Submit Fraud-like TX", ["Review", "Blocked"])],
)
async def test_the_form_shows_decision_score_latency_and_reasons(page, button, decisions):
    await page.goto("/")
    await page.get_by_role("button", name=button).click()
    card = page.locator("#test-result .result")
    await expect(card).to_contain_text("Decided in")
    text = await card.inner_text()
    assert any(decision in text for decision in decisions)
    assert " ms" in text
    if "Fraud" in button:
        await expect(card.locator(".reasons li").first).to_be_visible()
        address = await card.locator("a").get_attribute("href")
        alert = page.locator("#alerts li", has=page.locator(f'a[href="{address}"]'))
        await expect(alert).to_contain_text("test_stranger_")


async def test_decisions_appear_in_the_feed_with_their_latency(page, api):
    await page.goto("/")
    await expect(page.locator("#connection-text")).to_have_text("Live")
    sent = fresh(user_id=f"seen-{uuid.uuid4().hex[:8]}")
    await api.decided(sent)
    row = page.locator("#feed tr", has_text=sent["user_id"])
    await expect(row).to_be_visible()
    await expect(row).to_contain_text("Approved")
    await expect(row).to_contain_text("ms")
    await expect(row).to_contain_text("€20.00")


async def test_a_late_list_hides_no_newer_decision(page, api):
    frames = FeedFrames(page)
    for _ in range(SHOWN):
        await api.decided(fresh())
    await everything_stored(api)
    asked, answer = asyncio.Event(), asyncio.Event()

    async def hold(route):
        if "alerts" in route.request.url:
            await route.continue_()
            return
        list_before = await route.fetch()
        asked.set()
        await answer.wait()
        await route.fulfill(response=list_before)

    await page.route("**/api/transactions?limit=*", hold)
    await page.goto("/")
    await asyncio.wait_for(asked.wait(), TIMEOUT_S)
    newer = fresh(user_id=f"newer-{uuid.uuid4().hex[:8]}")
    await api.decided(newer)
    await frames.received(newer["user_id"])
    answer.set()
    await expect(page.locator("#feed tr")).to_have_count(FLOWING)
    await expect(page.locator("#feed tr").first).to_contain_text(newer["user_id"])


async def test_tiles_and_charts_show_the_figures(page, api):
    sent = [fresh() for _ in range(20)]
    await asyncio.gather(*(api.decided(transaction) for transaction in sent))
    for transaction in sent:
        await stored(api, transaction)
    await page.goto("/")
    await expect(page.locator("#note-rate")).to_contain_text("in all")
    await expect(page.locator("#tile-p99")).to_contain_text("ms")
    await expect(page.locator("#health-text")).to_have_text("All systems work")
    for chart in ("#course", "#risk"):
        await expect(page.locator(f"{chart} .bars .point").first).to_be_attached()
    await page.locator("#risk-data").locator("xpath=ancestor::details").locator("summary").click()
    await expect(page.locator("#risk-data tbody tr")).to_have_count(20)


async def test_the_feed_pauses_and_goes_on(page, api):
    frames = FeedFrames(page)
    await page.goto("/")
    await expect(page.locator("#connection-text")).to_have_text("Live")
    await page.get_by_role("button", name="Pause").click()
    sent = fresh(user_id=f"paused-{uuid.uuid4().hex[:8]}")
    await api.decided(sent)
    await frames.received(sent["user_id"])
    await expect(page.locator("#feed-new")).to_be_visible()
    await expect(page.locator("#feed-new")).to_contain_text("new – show")
    await expect(page.locator("#feed tr", has_text=sent["user_id"])).to_have_count(0)
    await page.get_by_role("button", name="Resume").click()
    await expect(page.locator("#feed tr", has_text=sent["user_id"])).to_be_visible()


async def test_rows_do_not_move_under_the_pointer(page, api):
    frames = FeedFrames(page)
    first = fresh()
    await api.decided(first)
    await stored(api, first)
    await page.goto("/")
    await expect(page.locator("#connection-text")).to_have_text("Live")
    await expect(page.locator("#feed tr", has_text=first["user_id"])).to_be_visible()
    await page.locator("#feed-scroll").hover()
    sent = fresh(user_id=f"held-{uuid.uuid4().hex[:8]}")
    await api.decided(sent)
    await frames.received(sent["user_id"])
    await expect(page.locator("#feed-new")).to_be_visible()
    await expect(page.locator("#feed tr", has_text=sent["user_id"])).to_have_count(0)


async def test_markup_in_a_transaction_is_only_text(page, api):
    hostile = "<img src=x onerror=alert(1)>"
    page.on("dialog", lambda dialog: pytest.fail("a script ran"))
    await page.goto("/")
    await expect(page.locator("#connection-text")).to_have_text("Live")
    sample = (await api.get("/api/samples/fraud")).body
    sample["metadata"] = {hostile: hostile}
    await api.decided(sample)
    await expect(page.locator("#alerts li", has_text=sample["user_id"])).to_be_visible()
    assert await page.locator("img[src=x]").count() == 0
    customer = f"{hostile}{uuid.uuid4().hex[:8]}"
    await api.decided(fresh(user_id=customer))
    await expect(page.locator("#feed tr", has_text=customer)).to_be_visible()
    assert await page.locator("img[src=x]").count() == 0


@pytest.mark.usefixtures("recovery")
async def test_a_lost_server_is_reported_and_the_feed_comes_back_without_gaps(
    page, running, other_api
):
    await page.goto("/")
    await expect(page.locator("#connection-text")).to_have_text("Live")
    first = fresh(user_id=f"before-{uuid.uuid4().hex[:8]}")
    await other_api.decided(first)
    await expect(page.locator("#feed tr", has_text=first["user_id"])).to_be_visible()
    running.workers[0].process.kill()
    await expect(page.locator("#connection-text")).to_contain_text("Live feed lost")
    missed = fresh(user_id=f"missed-{uuid.uuid4().hex[:8]}")
    accepted = await other_api.post("/api/transactions", missed)
    assert accepted.status == 202
    wait_ms = RECOVERY_S * 1000
    await expect(page.locator("#connection-text")).to_have_text("Live", timeout=wait_ms)
    row = page.locator("#feed tr", has_text=missed["user_id"])
    await expect(row).to_be_visible(timeout=wait_ms)
    page.expected(*LOST)


async def test_no_chart_can_send_its_data_to_another_server(page):
    await page.goto("/")
    await expect(page.locator("#risk .main-svg").first).to_be_attached()
    config = await page.evaluate("document.getElementById('risk')._context")
    assert (config["showSendToCloud"], config["plotlyServerURL"], config["displayModeBar"]) == (
        False,
        "",
        False,
    )
    assert await page.locator(".modebar").count() == 0


@pytest.mark.parametrize("width", [320, 800, 2560])
async def test_the_page_fits_any_width(page, width):
    await page.set_viewport_size({"width": width, "height": 900})
    await page.goto("/")
    await page.locator("#risk").scroll_into_view_if_needed()
    await expect(page.locator("#risk .main-svg").first).to_be_attached()
    assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_the_api_page_shows_every_route_and_asks_no_other_server(page, api):
    paths = (await api.get("/openapi.json")).body["paths"].values()
    await page.goto("/docs")
    await expect(page.locator(".opblock")).to_have_count(sum(len(path) for path in paths))
    await page.goto("/docs/errors")
    await expect(page.locator("dt#id_reused")).to_be_visible()
