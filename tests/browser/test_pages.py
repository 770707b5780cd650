"""Every page: checked by axe in both colour schemes, at any width, with a hostile transaction,
during outages and with an empty database.
"""

import signal
from urllib.parse import quote

import pytest
import pytest_asyncio
from playwright.async_api import expect

from fraud_app.postgres.connection import apply_migrations
from tests.browser.conftest import LOST, watching
from tests.support.api_client import until
from tests.support.builders import fresh, payload
from tests.support.cluster import RECOVERY_S, clients_of, extra_worker
from tests.support.database import own_database
from tests.support.history import stored
from tests.support.reviews import flagged

PAGES = (
    "/",
    "/live",
    "/review?tx={tx}",
    "/tx/{tx}",
    "/users/{user}",
    "/models",
    "/ops",
    "/docs",
    "/docs/errors",
)
READY = {
    "/": ("#heat tbody th", "#urgent li", "#feed tr"),
    "/live": ("#feed tr",),
    "/review": ("#queue li", "#case .part"),
    "/tx": ("#case .part",),
    "/users": ("#usual tbody tr", "#latest tr"),
    "/models": ("#versions tr",),
    "/ops": ("#processes tbody tr", "#o-letters-note:not(:text-is('loading…'))"),
    "/docs": (".opblock",),
    "/docs/errors": ("dt",),
}
"""What a page shows when all that it asks for has come."""
CHARTS = {"/": ("#course", "#risk", "#latency", "#stake"), "/users/{user}": ("#over-time",)}
"""Drawn only while they can be seen."""
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}\u202e"


@pytest_asyncio.fixture(scope="session")
async def shown(running):
    """A stored transaction to be looked at."""
    async with clients_of(running.addresses) as (client, _):
        return await flagged(client)


async def open_page(page, address, shown):
    target = address.format(tx=shown["transaction_id"], user=shown["user_id"])
    await page.goto(target)
    kind = address if address.startswith("/docs") else "/" + address[1:].split("?")[0].split("/")[0]
    for selector in READY[kind]:
        await expect(page.locator(selector).first).to_be_visible()


async def draw_charts(page, address):
    """Wait until the charts of this page are drawn."""
    for chart in CHARTS.get(address, ()):
        await page.locator(chart).scroll_into_view_if_needed()
        await expect(page.locator(f"{chart} .main-svg").first).to_be_attached()


async def open_details(page):
    """Open all that is folded, and wait until it is filled."""
    await page.evaluate(
        "document.querySelectorAll('details').forEach((details) => { details.open = true; })"
    )
    unfilled = """[...document.querySelectorAll("details table[id], #editor-json")].filter(
      (node) => node.offsetParent && !(node.value ?? node.textContent)).length"""
    await until(lambda: page.evaluate(unfilled), lambda count: count == 0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", PAGES)
async def test_axe_reports_no_violation(people, shown, axe_violations, address, scheme):
    page = await people.open(color_scheme=scheme)
    await open_page(page, address, shown)
    await draw_charts(page, address)
    assert await axe_violations(page) == []
    await open_details(page)
    assert await axe_violations(page) == []


@pytest.mark.parametrize("width", [320, 800, 3840])
async def test_every_page_fits_any_width(page, shown, width):
    await page.set_viewport_size({"width": width, "height": 900})
    for address in PAGES[:-2]:
        await open_page(page, address, shown)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, address


async def test_nothing_moves_while_a_page_loads(page, shown):
    """Cumulative layout shift, as the browser measures it, of the page that is looked at most."""
    await page.add_init_script(
        """window.shift = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) {
            if (!entry.hadRecentInput) window.shift += entry.value;
          }
        }).observe({ type: "layout-shift", buffered: true });"""
    )
    await open_page(page, "/", shown)
    await expect(page.locator("#course .main-svg").first).to_be_attached()
    await expect(page.locator("#alerts li").first).to_be_visible()
    shift = await page.evaluate("window.shift")
    assert shift < 0.1


async def test_the_largest_page_is_small(page, shown):
    """Bytes over the wire with nothing cached, the library of the charts included."""
    client = await page.context.new_cdp_session(page)
    await client.send("Network.enable")
    sizes = []
    client.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    await open_page(page, "/", shown)
    await expect(page.locator("#course .main-svg").first).to_be_attached()
    assert 100_000 < sum(sizes) < 600_000


async def test_markup_in_a_transaction_is_shown_as_text(page, api):
    scored = await flagged(api, metadata={HOSTILE: HOSTILE, "note": [HOSTILE]})
    identity, user = scored["transaction_id"], scored["user_id"]
    note = await api.post(
        f"/api/transactions/{identity}/verdicts", {"verdict": "skip", "note": HOSTILE}
    )
    assert note.status == 201
    for address in (
        "/",
        f"/live?q={identity}",
        f"/review?tx={identity}",
        f"/tx/{identity}",
        f"/users/{user}",
    ):
        await page.goto(address)
        if "tx" in address:
            await expect(page.locator("#case .timeline")).to_contain_text(
                "<script>alert(2)</script>"
            )
            await page.get_by_text("As JSON").click()
            await expect(page.locator("#case pre")).to_contain_text("onerror=alert(1)")
        else:
            await expect(page.get_by_text(user).first).to_be_visible()
        assert await page.locator("img[src=x]").count() == 0


@pytest.mark.parametrize("field", ["transaction_id", "user_id", "merchant_id"])
async def test_what_turns_text_around_is_no_id(api, field):
    assert (await api.post("/api/transactions", {**payload(), field: HOSTILE})).status == 422


async def test_markup_in_ids_is_shown_as_text(page, api):
    markup = HOSTILE.replace("\u202e", "")
    scored = await flagged(api, markup, occurred_at=markup)
    user = scored["user_id"]
    assert [warning["field"] for warning in scored["input_warnings"]] == ["/occurred_at"]
    identity = scored["transaction_id"]
    for address in (
        f"/live?q={identity}",
        f"/review?tx={identity}",
        f"/tx/{identity}",
        f"/users/{quote(user, safe='')}",
    ):
        await page.goto(address)
        await expect(page.get_by_text(user).first).to_be_visible()
        assert await page.locator("img[src=x]").count() == 0
    await page.goto(f"/tx/{identity}")
    await expect(page.get_by_text("Could not be used as sent")).to_be_visible()


async def test_a_hostile_address_changes_nothing(page):
    await page.goto(
        f"/live?q={quote(HOSTILE)}&reason=%3Cscript%3Ealert(3)%3C/script%3E&country=%3Cb%3E"
    )
    await expect(page.locator("#notice")).to_contain_text("These filters cannot be used")
    assert await page.locator("img[src=x]").count() == 0
    page.expected("status of 422")


async def test_without_redis_the_page_says_what_still_works(page, running, freezer, shown):
    await open_page(page, "/ops", shown)
    freezer.freeze(running.stack.redis)
    await expect(page.locator("#health-text")).to_have_text("Degraded")
    await expect(page.locator("#notice")).to_contain_text("scoring without shared signals")
    await expect(page.locator("#notice")).to_contain_text(
        "only the worker that answers this page is shown"
    )
    await open_page(page, "/", shown)
    await page.get_by_role("button", name="Submit Normal TX").click()
    await expect(page.locator("#test-result")).to_contain_text("Decided without")
    freezer.thaw()
    await expect(page.locator("#health-text")).to_have_text("All systems work")
    await expect(page.locator("#notice")).to_be_hidden()
    page.expected(*LOST)


async def test_without_postgres_live_goes_on_and_the_pages_say_that_history_is_delayed(
    page, api, running, freezer, shown
):
    await open_page(page, "/live", shown)
    await expect(page.locator("#connection-text")).to_have_text("Live")
    freezer.freeze(running.stack.postgres)
    sent = fresh()
    await api.decided(sent)
    await expect(page.locator("#feed tr", has_text=sent["user_id"])).to_be_visible()
    await expect(page.locator("#notice")).to_contain_text("history and review are delayed")
    await page.goto("/review")
    await expect(page.locator("#notice")).to_contain_text("The queue is not up to date")
    await page.goto(f"/tx/{sent['transaction_id']}")
    await expect(page.locator("#case")).to_contain_text("It could not be read")
    freezer.thaw()
    await stored(api, sent)
    await page.get_by_role("button", name="Try again").click()
    await expect(page.locator("#case h2").first).to_be_visible()
    page.expected(*LOST)


@pytest.mark.usefixtures("recovery")
async def test_a_silent_worker_is_shown_until_it_is_back(people, running):
    page = await people.open(base_url=running.addresses[1])
    page.expected("off-origin", *LOST)
    await page.goto("/ops")
    await expect(page.locator("#o-workers")).to_have_text("2 of 2")
    victim = running.workers[0].process
    victim.send_signal(signal.SIGSTOP)
    try:
        await expect(page.locator("#processes")).to_contain_text("Silent")
    finally:
        victim.kill()
    await expect(page.locator("#o-workers")).to_have_text("2 of 2", timeout=RECOVERY_S * 1000)


@pytest_asyncio.fixture
async def empty(running):
    """The address of a worker whose database has its tables, and nothing in them."""
    async with own_database(running) as postgres:
        await apply_migrations(postgres)
        dsn = postgres.dsn.get_secret_value()
        async with extra_worker(running, 8, FRAUD_POSTGRES__DSN=dsn) as address:
            yield address


async def test_with_an_empty_database_every_page_says_what_to_do(chromium, empty, axe_violations):
    async with watching(chromium, empty, "empty") as watched:
        page = await watched.open()
        await page.goto("/")
        # These are there only when the figures, the queue and the hours have come.
        await expect(page.locator("#note-rate")).to_contain_text("in all")
        await expect(page.locator("#open-oldest")).to_have_text("nothing waits")
        await expect(page.locator("#heat tbody th").first).to_be_visible()
        await expect(page.locator("#feed-empty")).to_contain_text("Send one with the test form")
        await expect(page.locator("#alerts-empty")).to_be_visible()
        await expect(page.locator("#urgent-empty")).to_have_text("Nothing waits for a review.")
        await expect(page.locator("#countries-empty")).to_be_visible()
        await expect(page.locator("#tile-block")).to_have_text("–")
        assert await axe_violations(page) == []
        await page.goto("/live")
        await expect(page.locator("#feed-empty")).to_contain_text("No transactions yet")
        await page.goto("/review")
        await expect(page.locator("#queue-empty")).to_contain_text("Nothing waits for a review")
        await page.goto("/models")
        await expect(page.locator("#drift-empty")).to_contain_text("Nothing to compare yet")
