"""Pages of two transactions with the same id."""

import uuid

import pytest_asyncio
from playwright.async_api import expect

from tests.support.api_client import until
from tests.support.builders import fresh
from tests.support.reviews import case, flagged

AMBIGUOUS = "status of 409"
"""What a browser itself logs of the question that cannot be answered."""


@pytest_asyncio.fixture
async def same(api):
    """The decided transactions of two customers, stored."""
    identity = f"order-{uuid.uuid4().hex[:8]}"
    scored = [await api.decided(fresh(transaction_id=identity)) for _ in range(2)]
    for one in scored:
        await until(
            lambda one=one: case(api, identity, one["user_id"]),
            lambda answer: answer.status == 200,
        )
    return scored


async def test_an_old_link_to_an_ambiguous_id_lets_one_choose(page, same, axe_violations):
    page.expected(AMBIGUOUS)
    for start in ("/tx/{}", "/review?tx={}"):
        await page.goto(start.format(same[0]["transaction_id"]))
        await expect(page.locator("#case tbody tr")).to_have_count(2)
        assert await axe_violations(page) == []
        await page.locator("#case").get_by_role("link", name=same[0]["user_id"]).click()
        await expect(page.locator("#case .case-head")).to_contain_text(same[0]["user_id"])
        await expect(page.locator("#verdict button").first).to_be_enabled()


async def test_both_are_listed_and_each_row_leads_to_its_own_page(page, same):
    for one in same:
        await page.goto(f"/live?q={one['transaction_id']}")
        rows = page.locator("#feed tr")
        await expect(rows).to_have_count(2)
        await rows.filter(has_text=one["user_id"]).get_by_role("link").first.click()
        await expect(page.locator("#case .case-head")).to_contain_text(one["user_id"])


async def test_an_old_link_to_an_item_of_the_queue_gets_its_customer(page, api):
    scored = await flagged(api)
    identity, user = scored["transaction_id"], scored["user_id"]
    await page.goto(f"/review?user_id={user}&tx={identity}")
    await page.wait_for_url(f"**/review?user_id={user}&tx={identity}&customer={user}")
    await expect(page.locator("#queue [aria-current=true]")).to_have_count(1)
    await expect(page.locator("#verdict button").first).to_be_enabled()
