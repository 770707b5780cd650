"""With keys on, nothing but the probes answers a client without a key."""

import aiohttp
import pytest
import pytest_asyncio

from tests.conftest import KEY
from tests.support.api_client import ApiClient, until
from tests.support.builders import payload


@pytest_asyncio.fixture
async def guarded(guarded_address):
    async with aiohttp.ClientSession(guarded_address) as session:
        yield ApiClient(session)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/docs",
        "/openapi.json",
        "/metrics",
        "/health",
        "/api/transactions",
        "/api/transactions/x",
        "/api/features",
        "/ws",
        "/nothing",
    ],
)
async def test_a_client_without_a_key_sees_nothing(guarded, path):
    answer = await guarded.get(path)
    assert (answer.status, answer.body["code"]) == (401, "key_needed")
    assert "Basic" in answer.headers["WWW-Authenticate"]


async def test_a_client_without_a_key_changes_nothing(guarded):
    for path in ("/api/transactions", "/score", "/score/batch"):
        assert (await guarded.post(path, payload())).status == 401
        assert (
            await guarded.post(path, payload(), headers={"Authorization": "Bearer wrong"})
        ).status == 401


async def test_a_key_opens_for_programs_and_browsers(guarded):
    bearer = {"Authorization": f"Bearer {KEY}"}
    basic = {"Authorization": aiohttp.encode_basic_auth("anyone", KEY)}
    for headers in (bearer, basic):
        answer = await until(
            lambda headers=headers: guarded.get("/health", headers=headers),
            lambda answer: answer.status == 200,
        )
        assert answer.body["auth"] == "keys"


async def test_the_probes_answer_with_a_word_only(guarded):
    assert (await guarded.get("/livez")).body == "alive\n"
    assert (await guarded.get("/readyz")).status in (200, 503)


async def test_the_analyst_is_the_owner_of_the_key_whatever_the_page_says(guarded):
    async with guarded.session.get(
        "/api/reviews", headers={"Authorization": f"Bearer {KEY}", "X-Analyst": "mallory"}
    ) as answer:
        assert (answer.status, (await answer.json())["analyst"]) == (200, "ann")
