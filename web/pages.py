"""The pages and their files: rendered by Jinja with autoescape, static files from the package,
nothing from elsewhere.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from fraud_app import __version__
from fraud_app.resources import config

HERE = Path(__file__).parent
STATIC = HERE / "static"

_templates = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
)


@cache
def _mark() -> str:
    """Changes with any static file, so that a browser may keep them for ever."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@cache
def _modules(name: str) -> tuple[str, ...]:
    """The scripts that a page's own needs, so that the browser fetches all at once instead of one
    after the other.
    """
    found: dict[str, None] = {}
    waiting = ["shell.js", name]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found[module] = None
            waiting += re.findall(r'from "\./(\w+\.js)"', (STATIC / module).read_text())
    return tuple(found)


def _page(name: str, **values: str) -> web.Response:
    module = name.replace(".html", ".js")
    text = _templates.get_template(name).render(
        version=__version__,
        demo=config.demo,
        auth=config.auth.mode,
        mark=_mark(),
        modules=_modules(module if (STATIC / module).exists() else "shell.js"),
        **values,
    )
    return web.Response(text=text, content_type="text/html")


async def overview(request: web.Request) -> web.Response:
    """The dashboard."""
    return _page("overview.html")


async def live(request: web.Request) -> web.Response:
    """Every decision as it is made, filtered by the address."""
    return _page("live.html")


async def review(request: web.Request) -> web.Response:
    """The review queue and the open case."""
    return _page("review.html")


async def transaction(request: web.Request) -> web.Response:
    """One transaction."""
    return _page("transaction.html", identity=request.match_info["transaction_id"][:128])


async def customer(request: web.Request) -> web.Response:
    """One customer."""
    return _page("customer.html", identity=request.match_info["user_id"][:128])


async def ops(request: web.Request) -> web.Response:
    """Processes, lag, recovery, dependencies, dead letters."""
    return _page("ops.html")


async def models(request: web.Request) -> web.Response:
    """The models: what decides, the challenger, drift, versions."""
    return _page("models.html")


async def docs(request: web.Request) -> web.Response:
    """Swagger UI on `/openapi.json`."""
    return _page("docs.html")


async def errors(request: web.Request) -> web.Response:
    """What each problem's code means."""
    return _page("errors.html")


async def static(request: web.Request) -> web.StreamResponse:
    """A file of the package; its address carries a mark of the contents."""
    path = (STATIC / request.match_info["name"]).resolve()
    if not path.is_relative_to(STATIC) or not path.is_file():
        raise web.HTTPNotFound
    compressed = path.with_name(path.name + ".gz")
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    if compressed.exists() and "gzip" in request.headers.get("Accept-Encoding", ""):
        kind = {".js": "text/javascript", ".css": "text/css"}.get(
            path.suffix, "application/octet-stream"
        )
        return web.Response(
            body=compressed.read_bytes(),
            headers={
                **headers,
                "Content-Encoding": "gzip",
                "Content-Type": f"{kind}; charset=utf-8",
            },
        )
    return web.FileResponse(path, headers=headers)


async def favicon(request: web.Request) -> web.StreamResponse:
    return web.FileResponse(STATIC / "icon.svg", headers={"Cache-Control": "public, max-age=86400"})


def register(router: web.UrlDispatcher) -> None:
    router.add_get("/", overview)
    router.add_get("/live", live)
    router.add_get("/review", review)
    router.add_get("/tx/{transaction_id}", transaction)
    router.add_get("/users/{user_id}", customer)
    router.add_get("/models", models)
    router.add_get("/ops", ops)
    router.add_get("/docs", docs)
    router.add_get("/docs/errors", errors)
    router.add_get("/favicon.ico", favicon)
    router.add_get(f"/static/{_mark()}/{{name:.+}}", static)
