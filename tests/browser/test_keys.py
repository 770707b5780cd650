"""With keys on: a browser logs in with the key as password, and verdicts are given in the name of
the key's owner.
"""

from playwright.async_api import expect

from tests.browser.conftest import watching
from tests.conftest import KEY
from tests.support.builders import fresh


async def test_a_key_opens_the_pages_and_the_feed_and_gives_the_name_of_its_owner(
    chromium, guarded_address, api
):
    async with watching(chromium, guarded_address, "keys") as watched:
        page = await watched.open(http_credentials={"username": "anyone", "password": KEY})
        await page.goto("/live")
        await expect(page.locator("#connection-text")).to_have_text("Live")
        await expect(page.locator("#analyst")).to_be_hidden()
        sent = fresh()
        await api.decided(sent)
        await expect(page.locator("#feed tr", has_text=sent["user_id"])).to_be_visible()
        await page.goto("/review")
        await expect(page.locator("#who")).to_have_text("You decide as ann.")
