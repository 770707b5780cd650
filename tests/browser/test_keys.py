"""With keys on: a browser logs in with the key as password, and its verdicts are of whom the key
belongs to.
"""

from playwright.async_api import expect

from tests.browser.conftest import Watched
from tests.conftest import KEY
from tests.support.builders import payload


async def test_a_key_opens_the_pages_and_the_feed_and_gives_its_holders_name(
    chromium, guarded_address, api
):
    watched = Watched(chromium, guarded_address)
    page = await watched.open(http_credentials={"username": "anyone", "password": KEY})
    await page.goto("/live")
    await expect(page.locator("#connection-text")).to_have_text("Live")
    await expect(page.locator("#analyst")).to_be_hidden()
    await api.decided(payload(transaction_id="with-a-key", user_id="with-a-key"))
    await expect(page.locator("#feed tr", has_text="with-a-key")).to_be_visible()
    await page.goto("/review")
    await expect(page.locator("#who")).to_have_text("You decide as ann.")
    assert watched.faults == []
    await watched.close("keys")
