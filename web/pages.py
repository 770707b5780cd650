"""The pages and their static files. Pages are rendered by Jinja with autoescape on. They must never
load anything from another host.
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
from web.http.route import pattern

HERE = Path(__file__).parent
STATIC = HERE / "static"
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}

_templates = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
)


@cache
def _static_hash() -> str:
    """A hash of all static files. It is part of their address, so that a browser may cache them for
    ever.
    """
    digest = hashlib.sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@cache
def _modules(name: str) -> tuple[str, ...]:
    """The scripts that a page's script imports, directly or not. The page names them all, so that
    the browser fetches them at the same time instead of one after the other.
    """
    modules: dict[str, None] = {}  # a set that keeps the order
    to_visit = ["shell.js", name]
    while to_visit:
        module = to_visit.pop()
        if module not in modules:
            modules[module] = None
            to_visit += re.findall(r'from "\./(\w+\.js)"', (STATIC / module).read_text())
    return tuple(modules)


def _page(name: str, **values: str) -> web.Response:
    module = name.replace(".html", ".js")
    text = _templates.get_template(name).render(
        version=__version__,
        demo=config.demo,
        auth=config.auth.mode,
        mark=_static_hash(),
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


async def static(request: web.Request) -> web.Response:
    """A static file of the package. Its address contains a hash of all contents. Raises
    `HTTPNotFound` for every other path.
    """
    path = (STATIC / request.match_info["name"]).resolve()
    if not path.is_relative_to(STATIC) or not path.is_file():
        raise web.HTTPNotFound
    compressed = path.with_name(path.name + ".gz")
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    if compressed.exists() and "gzip" in request.headers.get("Accept-Encoding", ""):
        return _file(path, compressed.read_bytes(), {**headers, "Content-Encoding": "gzip"})
    return _file(path, path.read_bytes(), headers)


async def favicon(request: web.Request) -> web.Response:
    """The icon; browsers ask for it at this fixed address, so it is cached for a day only."""
    path = STATIC / "icon.svg"
    return _file(path, path.read_bytes(), {"Cache-Control": "public, max-age=86400"})


def _file(path: Path, content: bytes, headers: dict[str, str]) -> web.Response:
    """All of a file. Not aiohttp's `FileResponse`: its answers to a `Range` or an `If-Match` that
    it cannot serve are no problem details, and these files are small.
    """
    kind = _KINDS.get(path.suffix, "application/octet-stream")
    return web.Response(body=content, headers={**headers, "Content-Type": kind})


def register(router: web.UrlDispatcher) -> None:
    """Add the routes of the pages and of the static files."""
    router.add_get("/", overview)
    router.add_get("/live", live)
    router.add_get("/review", review)
    router.add_get(pattern("/tx/{transaction_id}"), transaction)
    router.add_get(pattern("/users/{user_id}"), customer)
    router.add_get("/models", models)
    router.add_get("/ops", ops)
    router.add_get("/docs", docs)
    router.add_get("/docs/errors", errors)
    router.add_get("/favicon.ico", favicon)
    router.add_get(f"/static/{_static_hash()}/{{name:.+}}", static)
