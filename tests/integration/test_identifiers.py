"""An id is any printable text of up to 128 characters, and every URL takes it."""

import uuid
from urllib.parse import quote

import pytest

from tests.support.api_client import until
from tests.support.builders import fresh
from web.api.transactions import OWN_WORDS
from web.routes import ROUTES

HOSTILE = [
    "a/b",
    "a%2Fb",
    "100%",
    "?a=b#c",
    "a b",
    " a ",
    "...",
    "./a",
    "a;b,c=d&e+f",
    "{id}",
    "\\",
    "\"'<>`",
    "Zoë 北京",
    "💳" * 80,
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_an_id_of_any_text_can_be_used_in_every_url(api, text):
    mark = uuid.uuid4().hex
    identity, user = f"{text}{mark}{text}"[:128], f"{text}u{mark}{text}"[:128]
    sent = fresh(transaction_id=identity, user_id=user)
    accepted = await api.post("/api/transactions", sent)
    assert accepted.status == 202
    address = accepted.headers["Location"]
    shown = await until(lambda: api.get(address), lambda answer: answer.status == 200)
    assert (shown.body["transaction_id"], shown.body["user_id"]) == (identity, user)
    path = f"/api/transactions/{quote(identity, safe='')}"
    found = (await api.get(f"{path}/case")).body["transaction"]
    assert found["transaction_id"] == identity
    assert (await api.send("PUT", f"{path}/claim")).status in (200, 409)  # 409: not to be reviewed
    assert (await api.post(f"{path}/verdicts", {"verdict": "fraud"})).status == 201
    assert (await api.get(f"/api/users/{quote(user, safe='')}")).body["user_id"] == user
    for parameters in (f"q={quote(identity, safe='')}", f"user_id={quote(user, safe='')}"):
        items = (await api.get(f"/api/transactions?{parameters}")).body["items"]
        assert [one["transaction_id"] for one in items] == [identity]
    assert (await api.get(f"/tx/{quote(identity, safe='')}")).status == 200


@pytest.mark.parametrize("text", [".", "..", "", "a\nb", "a\u202eb", "\u00ad", "a" * 129, 7, None])
async def test_an_id_that_no_url_can_carry_is_refused_at_the_field(api, text):
    refused = await api.post("/score", fresh(user_id=text))
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/user_id")


async def test_a_page_of_the_list_can_end_at_the_longest_id(api):
    mark = uuid.uuid4().hex
    user = f"u-{mark}"
    longest = [("💳" * 95 + mark)[-127:] + digit for digit in "12"]
    for identity in longest:
        await api.decided(fresh(transaction_id=identity, user_id=user))
    page = await until(
        lambda: api.get(f"/api/transactions?user_id={user}&limit=1"),
        lambda answer: answer.body["next_cursor"],
    )
    rest = await api.get(
        f"/api/transactions?user_id={user}&limit=1&cursor={quote(page.body['next_cursor'])}"
    )
    found = [answer.body["items"][0]["transaction_id"] for answer in (page, rest)]
    assert sorted(found) == sorted(longest)


def test_the_words_of_our_own_routes_are_known():
    prefix = "/api/transactions/"
    paths = [route.path.removeprefix(prefix) for route in ROUTES if route.path.startswith(prefix)]
    assert {path for path in paths if "{" not in path} == OWN_WORDS


async def test_an_id_that_is_a_word_of_our_own_routes_is_found_by_the_list(api):
    accepted = await api.post("/api/transactions", fresh(transaction_id="stats", user_id="u-stats"))
    found = await until(
        lambda: api.get(accepted.headers["Location"]), lambda answer: answer.body["items"]
    )
    assert found.body["items"][0]["transaction_id"] == "stats"
