"""The test form beyond its two buttons: a transaction in JSON with its faults beside it, and series
of transactions that tell a story.
"""

import json
import uuid

import pytest
from playwright.async_api import expect

from tests.support.history import stored
from web.api import samples


async def test_json_is_checked_while_it_is_written(page, api):
    await page.goto("/")
    await page.get_by_text("Your own JSON").click()
    editor, faults = page.get_by_label("Transaction", exact=True), page.locator("#editor-faults")
    await expect(editor).not_to_have_value("")
    sample = json.loads(await editor.input_value())
    await editor.fill("{ not json")
    await expect(faults).to_contain_text("not JSON")
    await editor.fill(json.dumps({**sample, "amount": "-3", "country": "Germany"}))
    await expect(faults.locator("li")).to_have_count(2)
    await expect(faults).to_contain_text("/amount")
    await expect(faults).to_contain_text("/country")
    await expect(editor).to_have_attribute("aria-invalid", "true")
    await editor.fill(json.dumps({**sample, "metadata": {"card_number": "4111111111111111"}}))
    await expect(faults).to_contain_text("card data is not accepted")
    user = f"own-{uuid.uuid4().hex[:8]}"
    await editor.fill(json.dumps({**sample, "user_id": user}))
    await expect(faults.locator("li")).to_have_count(0)
    await editor.press("Control+Enter")
    await expect(page.locator("#test-result .result.approve")).to_contain_text("Decided in")
    link = page.locator("#test-result a")
    # The page of a transaction looks for it only a few seconds long.
    await stored(api, {"transaction_id": await link.inner_text()})
    await link.click()
    await expect(page.locator("#case")).to_contain_text(user)
    page.expected("status of 422")


@pytest.mark.parametrize(
    "scenario", ["Card testing burst", "Account takeover", "Impossible travel"]
)
async def test_a_story_is_sent_step_by_step_and_leads_to_an_alert(page, scenario):
    await page.goto("/")
    await page.get_by_role("button", name=scenario).click()
    name = scenario.lower().replace(" burst", "").replace(" ", "_")
    steps = page.locator("#test-result .steps li")
    await expect(steps).to_have_count(len(samples._STORIES[name]()))
    decisions = await steps.locator(".badge").all_inner_texts()
    assert any("Approved" not in decision for decision in decisions), decisions
    await expect(page.get_by_role("button", name=scenario)).to_be_enabled()
