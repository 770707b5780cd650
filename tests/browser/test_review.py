"""The work of an analyst: the queue, a case, a verdict, and two analysts who want the same item."""

import asyncio
import uuid

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.support.api_client import until
from tests.support.reviews import case, flagged, say, take


@pytest_asyncio.fixture
async def waiting(api):
    return await flagged(api)


def address(scored):
    return f"/review?tx={scored['transaction_id']}&user_id={scored['user_id']}"


async def as_somebody(page, name):
    await page.goto("/ops")
    await page.get_by_role("button", name="Your name").click()
    await page.get_by_label("Name").fill(name)
    await page.get_by_role("button", name="Keep").click()
    await expect(page.locator("#analyst")).to_have_text(name)


async def test_an_analyst_decides_with_the_keyboard_alone_and_takes_it_back(page, api, waiting):
    identity = waiting["transaction_id"]
    await as_somebody(page, "ann")
    await page.goto(f"/review?user_id={waiting['user_id']}")
    await expect(page.locator("#queue li")).to_have_count(1)
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page.locator("#case h2").first).to_have_text("Why")
    for reason in waiting["reasons"]:
        await expect(page.locator("#case .reasons")).to_contain_text(reason["text"])
    await expect(page.locator("#verdict button").first).to_be_enabled()
    await page.keyboard.press("n")
    await page.keyboard.type("called the customer")
    await page.keyboard.press("Escape")
    await page.keyboard.press("f")
    await expect(page.locator("#toasts")).to_contain_text("Fraud reported")
    await expect(page.locator("#queue-empty")).to_be_visible()
    verdicts = (await case(api, identity)).body["verdicts"]
    assert [(verdict["verdict"], verdict["analyst"], verdict["note"]) for verdict in verdicts] == [
        ("fraud", "ann", "called the customer")
    ]
    await page.keyboard.press("u")
    await expect(page.locator("#toasts")).to_contain_text("Taken back")
    await expect(page.locator("#queue li")).to_have_count(1)
    verdicts = (await case(api, identity)).body["verdicts"]
    assert [verdict["verdict"] for verdict in verdicts] == ["fraud", "undo"]
    await expect(page.locator("#case .timeline")).to_contain_text("Taken back by ann")


async def test_after_a_verdict_the_next_item_is_open(page, api):
    country = "IS"
    for _ in range(2):
        await flagged(api, country=country)
    await page.goto(f"/review?country={country}")
    await expect(page.locator("#queue li").nth(1)).to_be_visible()
    await page.locator("#queue a").first.click()
    await expect(page.locator("#verdict button").first).to_be_enabled()
    before = page.url
    await page.get_by_role("button", name="Approve").click()
    await expect(page.locator("#toasts")).to_contain_text("Approved")
    await page.wait_for_url(lambda url: url != before and "tx=" in url)
    await expect(page.locator("#verdict button").first).to_be_enabled()


async def test_what_one_analyst_has_open_another_cannot_decide(people, api, waiting):
    ann, bob = await people.open(), await people.open()
    await as_somebody(ann, "ann")
    await as_somebody(bob, "bob")
    await ann.goto(address(waiting))
    await expect(ann.locator("#verdict button").first).to_be_enabled()
    await bob.goto(address(waiting))
    await expect(bob.locator("#verdict")).to_contain_text("ann is deciding this one")
    await expect(bob.locator("#verdict button").first).to_be_disabled()
    await expect(bob.locator("#queue li").first).to_contain_text("ann is on it")
    bob.expected("status of 409")
    await ann.keyboard.press("Escape")
    await expect(ann.locator("#case-none")).to_be_visible()
    assert await until(
        lambda: take(api, waiting["transaction_id"], "bob"), lambda answer: answer.status == 200
    )


async def test_a_verdict_that_was_given_meanwhile_is_shown(page, api, waiting):
    await page.goto(f"/tx/{waiting['transaction_id']}")
    await expect(page.locator("#verdict button").first).to_be_enabled()
    assert (await say(api, waiting["transaction_id"], "block", analyst="bob")).status == 201
    await page.get_by_role("button", name="Approve").click()
    await expect(page.locator("#verdict")).to_contain_text("another verdict was given meanwhile")
    page.expected("status of 409")
    await page.reload()
    await expect(page.locator("#verdict")).to_contain_text(
        "Blocked by bob; a new verdict replaces it"
    )
    await page.get_by_role("button", name="Approve").click()
    await expect(page.locator("#case .timeline")).to_contain_text("Approved by local")


async def test_back_and_forward_and_filters_are_in_the_address(page, api, waiting):
    await page.goto("/review")
    await page.locator("[name=user_id]").fill(waiting["user_id"])
    await page.locator("[name=user_id]").press("Enter")
    await expect(page.locator("#queue li")).to_have_count(1)
    await expect(page.locator("#queue li")).to_contain_text(waiting["user_id"])
    # By key: the queue may be drawn again at any moment, which keeps the focus and loses a click.
    await page.locator("#queue a").press("Enter")
    await expect(page.locator("#case h2").first).to_be_visible()
    await page.go_back()
    await expect(page.locator("#case-none")).to_be_visible()
    await page.go_forward()
    await expect(page.locator("#case h2").first).to_be_visible()
    await page.reload()
    await expect(page.locator("#case h2").first).to_be_visible()
    assert waiting["user_id"] in page.url


async def test_no_match_says_so_and_can_be_cleared(page, waiting):
    await page.goto(f"/review?user_id={uuid.uuid4().hex}")
    await expect(page.locator("#queue-empty")).to_contain_text("matches these filters")
    await page.get_by_role("button", name="Clear filters").click()
    await expect(page.locator("#queue li").first).to_be_visible()


async def test_the_help_lists_the_keys_and_they_can_be_turned_off(page):
    await page.goto("/ops")
    await expect(page.locator("#health-text")).to_have_text("All systems work")
    await page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard")
    await expect(dialog).to_contain_text("go to review queue")
    await page.get_by_label("single keys do something").uncheck()
    await page.get_by_role("button", name="Close").click()
    await page.keyboard.press("?")
    await expect(dialog).to_be_hidden()
    await page.get_by_role("button", name="Keyboard").click()
    await page.get_by_label("single keys do something").check()
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()  # keys do nothing else while it is open
    await page.keyboard.press("g")
    await page.keyboard.press("r")
    await page.wait_for_url("**/review")


@pytest.mark.parametrize("identity", ["never-sent", "%3Cimg%20src=x%20onerror=alert(2)%3E"])
async def test_an_unknown_transaction_or_customer_is_reported(page, identity):
    first_text_seen = asyncio.Event()
    asked = []

    async def answer_again_later(route):
        """Only the first answer comes at once: the text that it leads to stays until it is seen."""
        asked.append(route)
        if len(asked) > 1:
            await first_text_seen.wait()
        await route.continue_()

    await page.route("**/api/transactions/*/case", answer_again_later)
    await page.goto(f"/users/{identity}")
    await expect(page.locator("#unknown")).to_contain_text("No payment of a customer")
    await page.goto(f"/tx/{identity}")
    await expect(page.locator("#case")).to_contain_text("Not stored yet")
    first_text_seen.set()
    await expect(page.locator("#case")).to_contain_text("There is no transaction")
    assert await page.locator("img[src=x]").count() == 0
    page.expected("status of 404", "status of 422")
