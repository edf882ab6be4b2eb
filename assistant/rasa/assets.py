"""What the channel serves besides the conversation: the widget's built files, the demo page, the
clinic's card, a topic's question.

`widget/dist` is built by `make widget`: files in `assets/` carry a hash of their content in their
name and may be kept for a year, `widget.js` keeps its name and is asked for again. Every file lies
there compressed already (.br, .gz).
"""

import hashlib
import html
import mimetypes
import re
from pathlib import Path
from string import Template
from typing import Dict

from sanic import Blueprint
from sanic.exceptions import NotFound
from sanic.request import Request
from sanic.response import HTTPResponse, raw
from sanic.response import html as html_response
from sanic.response import json as json_response

from assistant import contact, paths
from assistant.clinic import hours_by_days, money
from assistant.knowledge import Knowledge
from assistant.rasa.runtime import live_knowledge

DIST = paths.ROOT / "widget" / "dist"
#: Pre-compressed neighbours of a file by content coding, the smaller one first.
CODINGS = {"br": ".br", "gzip": ".gz"}
#: The name of a file with the hash of its content in it (widget/build.mjs), in three parts.
HASHED = re.compile(r"^((?:assets/)?[a-z]+)(-[0-9a-f]{10})(\.\w+)$")
#: Seconds for which a browser may use widget.js without asking: an update reaches every page within
#: ten minutes.
FRESH = 600
#: The demo page allows nothing but this server, and no script may write markup but through the two
#: named policies.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for"
    " 'script'; trusted-types lit-html dompurify"
)


class Asset:
    """One built file with its compressed forms, read once."""

    def __init__(self, path: Path):
        self.bodies = {"identity": path.read_bytes()}
        for coding, ending in CODINGS.items():
            packed = path.with_name(path.name + ending)
            if packed.exists():
                self.bodies[coding] = packed.read_bytes()
        self.tag = hashlib.sha256(self.bodies["identity"]).hexdigest()[:20]
        kind = (
            {".js": "text/javascript", ".svg": "image/svg+xml"}.get(path.suffix)
            or mimetypes.guess_type(path.name)[0]
            or "application/octet-stream"
        )
        self.kind = f"{kind}; charset=utf-8" if kind.startswith("text/") else kind

    def response(self, request: Request, cache: str) -> HTTPResponse:
        """The file in the best coding that the browser takes, or 304 where it has this version."""
        coding = preferred(request.headers.get("accept-encoding") or "", self.bodies)
        etag = f'"{self.tag}-{coding}"'
        headers = {
            "Cache-Control": cache,
            "ETag": etag,
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        if etag in [tag.strip() for tag in (request.headers.get("if-none-match") or "").split(",")]:
            return raw(b"", 304, headers)
        if coding != "identity":
            headers["Content-Encoding"] = coding
        return raw(self.bodies[coding], headers=headers, content_type=self.kind)


def preferred(accepted: str, bodies: Dict[str, bytes]) -> str:
    """The content coding to use for an Accept-Encoding header: the smallest body among those it
    does not refuse (`q=0`)."""
    allowed = {}
    for part in accepted.lower().split(","):
        name, _, parameters = part.strip().partition(";")
        quality = parameters.replace(" ", "").partition("q=")[2] or "1"
        try:
            allowed[name.strip()] = float(quality) > 0
        except ValueError:
            allowed[name.strip()] = False
    return next(
        (
            coding
            for coding in CODINGS
            if coding in bodies and allowed.get(coding, allowed.get("*", False))
        ),
        "identity",
    )


def load_assets(folder: Path = DIST) -> Dict[str, Asset]:
    """Every built file by its address below the channel. Raises FileNotFoundError that says how to
    mend it."""
    if not (folder / "widget.js").exists():
        raise FileNotFoundError(
            f"{folder}/widget.js is missing: the built widget belongs to the repository. `make"
            " widget` builds it."
        )
    packed = tuple(CODINGS.values())
    found = [folder / "widget.js", *sorted((folder / "assets").iterdir())]
    return {
        path.relative_to(folder).as_posix(): Asset(path)
        for path in found
        if path.suffix not in packed
    }


def rows(caption: str, lines) -> str:
    """A table of two columns as HTML; `lines` are pairs of markup that is safe already."""
    body = "".join(f'<tr><th scope="row">{left}</th><td>{right}</td></tr>' for left, right in lines)
    return (
        f"<table><caption>{html.escape(caption)}</caption><tbody>{body}</tbody></table>"
        if body
        else ""
    )


def demo_page(kb: Knowledge, base: str) -> str:
    """The demo page with the facts of clinic.yml; what the clinic leaves out is left out."""
    clinic, escape = kb.clinic, html.escape
    prices = []
    for price in clinic.prices or []:
        includes = f"<small>{escape(price.includes)}</small>" if price.includes else ""
        prices.append((escape(price.name) + includes, escape(money(price.amount, clinic.currency))))
    values = {
        "base": base,
        "clinic_name": clinic.name,
        "assistant_name": clinic.assistant_name,
        "phone": clinic.phone,
        "phone_tel": contact.dial(clinic.phone)["tel"],
        "address": clinic.address or "",
    }
    return Template((DIST / "demo.html").read_text("utf-8")).substitute(
        {name: escape(value) for name, value in values.items()},
        email=(
            f'<br><a href="mailto:{escape(clinic.email)}">{escape(clinic.email)}</a>'
            if clinic.email
            else ""
        ),
        prices=rows("Prices", prices),
        hours=rows(
            "Opening hours",
            [(escape(days), escape(times)) for days, times in hours_by_days(clinic.hours or {})],
        ),
    )


class AssetRoutes:
    """The handlers behind the routes. `base` is the channel's address."""

    def __init__(self, base: str):
        self.base, self.assets = base, load_assets()
        self.newest = {
            HASHED.sub(r"\1\3", name): asset
            for name, asset in self.assets.items()
            if HASHED.search(name)
        }

    def register(self, routes: Blueprint) -> None:
        """Add the routes to the channel's blueprint."""

        async def launcher(request: Request) -> HTTPResponse:
            return self.assets["widget.js"].response(request, f"public, max-age={FRESH}")

        async def asset(request: Request, name: str) -> HTTPResponse:
            found = self.assets.get(f"assets/{name}")
            if found is not None:
                return found.response(request, "public, max-age=31536000, immutable")
            # Another build's file: a browser still has its widget.js, or another worker serves it
            # already. This one's does the same.
            found = (
                self.newest.get(HASHED.sub(r"\1\3", f"assets/{name}"))
                if HASHED.search(name)
                else None
            )
            if found is None:
                raise NotFound("There is no such file.")
            return found.response(request, "no-cache")

        async def demo(request: Request) -> HTTPResponse:
            headers = {
                "Content-Security-Policy": PAGE_POLICY,
                "Cache-Control": "no-cache",
                "Referrer-Policy": "no-referrer",
            }
            return html_response(demo_page(live_knowledge().get(), self.base), headers=headers)

        async def clinic(request: Request) -> HTTPResponse:
            return json_response(
                contact.card(live_knowledge().get()), headers={"Cache-Control": "no-cache"}
            )

        async def topic(request: Request, name: str) -> HTTPResponse:
            found = live_knowledge().get().topics.get(name)
            if found is None:
                raise NotFound("There is no such topic.")
            return json_response(
                {"id": found.id, "title": found.title, "question": found.question},
                headers={"Cache-Control": "no-cache"},
            )

        document = (paths.ROOT / "docs" / "api.yml").read_bytes()

        async def openapi(request: Request) -> HTTPResponse:
            return raw(
                document, headers={"Cache-Control": "no-cache"}, content_type="application/yaml"
            )

        for handler, address in (
            (openapi, "/openapi.yml"),
            (launcher, "/widget.js"),
            (asset, "/assets/<name>"),
            (demo, "/demo"),
            (clinic, "/clinic"),
            (topic, "/topics/<name>"),
        ):
            routes.add_route(handler, address, methods=["GET", "HEAD"])


def is_public(path: str, base: str) -> bool:
    """Whether an address serves a file of the widget, which any website may load."""
    return path == f"{base}/widget.js" or path.startswith(f"{base}/assets/")
