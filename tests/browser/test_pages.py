"""Every page: axe, any width, both schemes, a hostile transaction, the states of an outage and of
an empty database.
"""

import asyncio
import os
import signal
import uuid
from urllib.parse import quote

import asyncpg
import pytest
import pytest_asyncio
from playwright.async_api import expect

from devtools.stack import ports, services
from devtools.stack.process import family
from tests.browser.conftest import LOST, Watched
from tests.support.api_client import until
from tests.support.builders import payload
from tests.support.reviews import case, flagged

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
    "/": "#heat tbody th",
    "/live": "#feed tr",
    "/review": "#case .part",
    "/tx": "#case .part",
    "/users": "#usual tbody tr",
    "/models": "#versions tr",
    "/ops": "#processes tbody tr",
    "/docs": ".opblock",
    "/docs/errors": "dt",
}
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}\u202e"


@pytest_asyncio.fixture(scope="session")
async def shown(running):
    """A payment to be looked at."""
    import aiohttp

    from tests.support.api_client import ApiClient

    async with aiohttp.ClientSession(running.addresses[0]) as session:
        return await flagged(ApiClient(session))


async def open_page(page, address, shown):
    target = address.format(tx=shown["transaction_id"], user=shown["user_id"])
    await page.goto(target)
    kind = address if address.startswith("/docs") else "/" + address[1:].split("?")[0].split("/")[0]
    await expect(page.locator(READY[kind]).first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", PAGES)
async def test_axe_finds_nothing(people, shown, axe_found, address, scheme):
    page = await people.open(color_scheme=scheme)
    await open_page(page, address, shown)
    assert await axe_found(page) == []
    await page.evaluate(
        "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
    )
    assert await axe_found(page) == []


@pytest.mark.parametrize("width", [320, 800, 3840])
async def test_every_page_fits_any_width(page, shown, width):
    await page.set_viewport_size({"width": width, "height": 900})
    for address in PAGES[:-2]:
        await open_page(page, address, shown)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, address


async def test_nothing_moves_while_a_page_loads(page, shown):
    """Cumulative layout shift, as the browser measures it, of the page that is looked at most."""
    await page.add_init_script(
        "window.shift = 0; new PerformanceObserver((list) => { for (const one of list.getEntries()) "
        "if (!one.hadRecentInput) window.shift += one.value; }).observe({ type: 'layout-shift', buffered: true });"
    )
    await open_page(page, "/", shown)
    await expect(page.locator("#course .main-svg").first).to_be_attached()
    await expect(page.locator("#alerts li").first).to_be_visible()
    await expect(page.locator("#urgent li").first).to_be_visible()
    shift = await page.evaluate("window.shift")
    assert shift < 0.1


async def test_a_page_is_small(page, shown):
    """Bytes over the wire of the largest page, with nothing cached."""
    client = await page.context.new_cdp_session(page)
    await client.send("Network.enable")
    sizes = []
    client.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    await open_page(page, "/", shown)
    assert 100_000 < sum(sizes) < 600_000


async def test_every_text_of_a_hostile_transaction_is_only_text(page, api):
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
    for field in (
        "user_id",
        "merchant_id",
        "device_id",
        "category",
        "ip",
        "country",
        "transaction_id",
    ):
        assert (await api.post("/api/transactions", {**payload(), field: HOSTILE})).status == 422


async def test_a_hostile_address_changes_nothing(page):
    await page.goto(
        f"/live?q={quote(HOSTILE)}&reason=%3Cscript%3Ealert(3)%3C/script%3E&country=%3Cb%3E"
    )
    await expect(page.locator("#notice")).to_contain_text("These filters cannot be used")
    assert await page.locator("img[src=x]").count() == 0
    page.expected("status of 422")


@pytest.fixture
def frozen():
    """Freeze processes until the test ends."""
    stopped = []

    def freeze(*processes):
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
            stopped.append(pid)

    def thaw():
        while stopped:
            os.kill(stopped.pop(), signal.SIGCONT)

    freeze.thaw = thaw
    yield freeze
    thaw()


async def well(api):
    return await until(lambda: api.get("/health"), lambda answer: answer.body["status"] == "ok", 40)


async def test_without_redis_the_page_says_what_still_works(page, api, running, frozen, shown):
    await open_page(page, "/ops", shown)
    frozen(running.stack.redis.pid)
    await expect(page.locator("#health-text")).to_have_text("Degraded")
    await expect(page.locator("#notice")).to_contain_text("scoring without shared signals")
    await expect(page.locator("#notice")).to_contain_text(
        "only the worker that answers this page is shown"
    )
    await open_page(page, "/", shown)
    await page.get_by_role("button", name="Submit Normal TX").click()
    await expect(page.locator("#test-result")).to_contain_text("Decided without")
    frozen.thaw()
    await well(api)
    await expect(page.locator("#health-text")).to_have_text("All systems work")
    await expect(page.locator("#notice")).to_be_hidden()
    page.expected(*LOST)


async def test_without_postgres_live_goes_on_and_history_is_said_to_wait(
    page, api, running, frozen, shown
):
    await open_page(page, "/live", shown)
    await expect(page.locator("#connection-text")).to_have_text("Live")
    frozen(*family(running.stack.postgres.pid))
    user = f"live-{uuid.uuid4().hex[:8]}"
    await api.decided(payload(transaction_id=user, user_id=user))
    await expect(page.locator("#feed tr", has_text=user)).to_be_visible()
    await expect(page.locator("#notice")).to_contain_text("history and review are delayed")
    await page.goto("/review")
    await expect(page.locator("#notice")).to_contain_text("The queue is not up to date")
    await page.goto(f"/tx/{user}")
    await expect(page.locator("#case")).to_contain_text("It could not be read")
    frozen.thaw()
    await until(lambda: case(api, user), lambda answer: answer.status == 200, 40)
    await page.get_by_role("button", name="Try again").click()
    await expect(page.locator("#case h2").first).to_be_visible()
    await well(api)
    page.expected(*LOST)


async def test_a_killed_worker_is_seen_and_its_partitions_too(people, other_api, running, shown):
    watched = await people.open(base_url=running.addresses[1])
    watched.expected("off-origin")
    await watched.goto("/ops")
    await expect(watched.locator("#o-workers")).to_have_text("2 of 2")
    running.workers[0].process.send_signal(signal.SIGSTOP)
    try:
        await expect(watched.locator("#processes")).to_contain_text("Silent", timeout=30_000)
    finally:
        running.workers[0].process.kill()
    await expect(watched.locator("#o-workers")).to_have_text("2 of 2", timeout=60_000)
    watched.expected("off-origin", *LOST)
    await asyncio.to_thread(running.workers[0].wait_ready_again)


@pytest_asyncio.fixture(scope="module")
async def empty(running):
    """A worker whose database holds nothing yet, not even tables filled."""
    dsn = running.environment["FRAUD_POSTGRES__DSN"]
    name = f"empty_{uuid.uuid4().hex[:8]}"
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    from fraud_app.postgres.connection import apply_migrations
    from fraud_app.settings import Postgres

    own = dsn.rsplit("/", 1)[0] + f"/{name}" + (f"?{dsn.split('?', 1)[1]}" if "?" in dsn else "")
    await apply_migrations(Postgres(dsn=own))
    one = services.worker(
        8,
        {**running.environment, "FRAUD_POSTGRES__DSN": own},
        running.stack.directory,
        ports.any_free(),
    )
    one.start()
    try:
        await asyncio.to_thread(one.wait_ready)
        yield f"http://127.0.0.1:{one.port}"
    finally:
        await asyncio.to_thread(one.stop)


async def test_with_an_empty_database_every_page_says_what_to_do(chromium, empty, axe_found):
    watched = Watched(chromium, empty)
    page = await watched.open()
    await page.goto("/")
    await expect(page.locator("#feed-empty")).to_contain_text("Send one with the test form")
    await expect(page.locator("#alerts-empty")).to_be_visible()
    await expect(page.locator("#urgent-empty")).to_have_text("Nothing waits for a review.")
    await expect(page.locator("#countries-empty")).to_be_visible()
    await expect(page.locator("#tile-block")).to_have_text("–")
    assert await axe_found(page) == []
    await page.goto("/live")
    await expect(page.locator("#feed-empty")).to_contain_text("No transactions yet")
    await page.goto("/review")
    await expect(page.locator("#queue-empty")).to_contain_text("Nothing waits for a review")
    await page.goto("/models")
    await expect(page.locator("#drift-empty")).to_contain_text("Nothing to compare yet")
    assert watched.faults == []
    await watched.close("empty")
