"""Dead letters on the operations page: found, looked at, and sent again, one or many."""

import uuid

import orjson
import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.support.api_client import until
from tests.support.builders import fresh
from tests.support.letters import letter_of, stored_letter, write, write_foreign

CARD = "4111111111111111"
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"


@pytest.fixture
def code():
    """A reason that only the letters of one test have."""
    return f"browser-{uuid.uuid4().hex[:12]}"


@pytest_asyncio.fixture
async def letters(api, running, code):
    """Two letters that can be sent again and one that was cut, by their offsets."""
    cut = letter_of(fresh(), code=code, value=orjson.dumps({**fresh(), "x": "x" * 600_000}))
    offsets = await write(
        running, letter_of(fresh(), code=code), letter_of(fresh(), code=code), cut
    )
    await stored_letter(api, offsets[-1])
    return offsets


async def rows(page, code, count):
    await page.goto(f"/ops?code={code}")
    await expect(page.locator("#letters tbody tr")).to_have_count(count)
    return page.locator("#letters tbody tr")


async def test_letters_that_were_selected_are_sent_again_and_marked(page, api, code, letters):
    first, second, cut = letters
    await rows(page, code, 3)
    button = page.locator("#letters-resend")
    await expect(button).to_be_disabled()
    await expect(page.get_by_label(f"Select letter {cut}")).to_be_disabled()
    await page.get_by_label(f"Select letter {first}").check()
    await page.get_by_label(f"Select letter {second}").check()
    await expect(button).to_have_text("Resend selected (2)")
    await button.click()
    await expect(page.locator("#toasts")).to_contain_text("2 of 2 sent again")
    for offset in (first, second):
        await expect(page.get_by_label(f"Select letter {offset}")).to_be_disabled()
        assert (await stored_letter(api, offset)).body["resent"]
    await expect(button).to_be_disabled()
    await expect(page.locator("#o-letters")).not_to_have_text("–")
    await page.get_by_label("Sent again").select_option("no")
    await expect(page.locator("#letters tbody tr")).to_have_count(1)


async def test_a_letter_is_looked_at_and_sent_again(page, api, code, letters):
    await rows(page, code, 3)
    await page.get_by_role("button", name=f"Details of letter {letters[0]}").click()
    dialog = page.get_by_role("dialog", name=f"Dead letter {letters[0]}")
    await expect(dialog).to_contain_text(f"{code}: ZeroDivisionError")
    await expect(dialog.locator("pre")).to_contain_text('"merchant_id"')
    await dialog.get_by_role("button", name="Resend").click()
    await expect(dialog).to_be_hidden()
    await page.get_by_role("button", name=f"Details of letter {letters[0]}").click()
    await expect(page.locator("#letter-cannot")).to_contain_text("sent it again")
    await expect(page.locator("#letter-resend")).to_be_disabled()
    await page.get_by_role("button", name="Close").click()
    await page.get_by_role("button", name=f"Details of letter {letters[2]}").click()
    await expect(page.locator("#letter-cannot")).to_contain_text("it was cut")


async def test_what_was_sent_by_somebody_else_meanwhile_is_said(page, api, code, letters):
    await rows(page, code, 3)
    await page.get_by_label(f"Select letter {letters[0]}").check()
    await api.post("/api/dead-letters/resend", {"offsets": [letters[0]]})
    await page.locator("#letters-resend").click()
    await expect(page.locator("#letters-refused")).to_contain_text("sent it again")


async def test_a_hostile_letter_is_shown_as_text_and_without_its_card_number(
    page, api, running, code
):
    value = orjson.dumps({"transaction_id": HOSTILE, "note": f"paid with {CARD}", "cvv": "737"})
    headers = [("dlq_error_code", code.encode()), ("dlq_error_message", HOSTILE.encode())]
    [offset] = await write_foreign(running, (b"k", value, headers))
    await stored_letter(api, offset)
    await rows(page, code, 1)
    await page.get_by_role("button", name=f"Details of letter {offset}").click()
    dialog = page.get_by_role("dialog", name=f"Dead letter {offset}")
    await expect(dialog.locator("pre")).to_contain_text("onerror=alert(1)")
    await expect(dialog.locator("pre")).to_contain_text("************1111")
    assert CARD not in await page.content()
    assert "737" not in await dialog.locator("pre").inner_text()
    assert await page.locator("img[src=x]").count() == 0


async def test_the_list_and_a_letter_have_no_violation(page, code, letters, axe_violations):
    await rows(page, code, 3)
    assert await axe_violations(page) == []
    await page.get_by_role("button", name=f"Details of letter {letters[0]}").click()
    await expect(page.locator("#letter-value")).to_contain_text('"merchant_id"')
    assert await axe_violations(page) == []


async def test_no_match_says_so_and_can_be_cleared(page, letters):
    await page.goto(f"/ops?code={uuid.uuid4().hex}")
    await expect(page.locator("#letters-empty")).to_contain_text("matches these filters")
    await page.locator("#letters-clear").click()
    await expect(page.locator("#letters tbody tr").first).to_be_visible()


async def test_the_page_of_a_transaction_that_was_not_decided_says_why(page, api, running, code):
    transaction = fresh()
    [offset] = await write(running, letter_of(transaction, code=code))
    await stored_letter(api, offset)
    page.expected("status of 404")
    await page.goto(f"/tx/{transaction['transaction_id']}")
    await expect(page.locator("#case")).to_contain_text("went to the dead letters at")
    await expect(page.locator("#case")).to_contain_text(code)

    async def decided():
        await api.post("/api/dead-letters/resend", {"offsets": [offset]})
        return await api.get(f"/api/transactions/{transaction['transaction_id']}")

    await until(decided, lambda answer: answer.status == 200)
    await page.get_by_role("button", name="Try again").click()
    await expect(page.locator("#case .timeline")).to_contain_text("Dead letter")
