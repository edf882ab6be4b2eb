"""A small website channel for tests of the widget: scripted turns, and every failure on demand.
Speaks docs/api.yml on loopback."""

import itertools
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, List, Optional, Tuple

from assistant import contact, knowledge, paths

DIST = paths.ROOT / "widget" / "dist"
#: The policy that the widget promises to work under, and Trusted Types on top.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "require-trusted-types-for 'script'; trusted-types lit-html dompurify"
)
KINDS = {"js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_numbers = itertools.count(1)


def turn(
    *messages: Tuple[str, str],
    kind: str = "answer",
    urgency: str = "none",
    topics=("pain",),
    choices=(),
    sources=(),
    reviewed_on: Optional[str] = None,
) -> Dict[str, Any]:
    """A turn; `messages` are pairs of role and text, `choices` pairs of title and topic."""
    return {
        "id": f"turn{next(_numbers)}",
        "kind": kind,
        "topics": list(topics),
        "urgency": urgency,
        "cautions": [],
        "messages": [{"role": role, "topic": None, "text": text} for role, text in messages],
        "choices": [
            {"id": f"choice{next(_numbers)}", "title": title, "topic": topic}
            for title, topic in choices
        ],
        "sources": list(sources),
        "reviewed_on": reviewed_on,
    }


SOURCE = {
    "id": "s1",
    "title": "Microneedling: a review",
    "publisher": "Journal of Skin",
    "year": 2021,
    "url": "https://journal.example/review",
}


def pain() -> Dict[str, Any]:
    """An answer with everything that an answer can have."""
    return turn(
        (
            "answer",
            (
                "Most people feel **pressure and a prickle**, not sharp pain. A numbing cream is"
                " put on first and works for about an hour."
            ),
        ),
        (
            "caveat",
            (
                "How it feels differs from person to person, and bony places such as the forehead"
                " are more tender."
            ),
        ),
        (
            "caution",
            "You told me about your pregnancy: most clinics wait until after breastfeeding.",
        ),
        choices=(
            ("Numbing cream", "numbing"),
            ("How long am I red?", "downtime"),
            ("What does it cost?", "cost"),
        ),
        sources=(SOURCE,),
        reviewed_on="2026-11-20",
    )


def emergency() -> Dict[str, Any]:
    """An emergency reply."""
    return turn(
        (
            "triage",
            (
                "Call 999 now: this can be a severe allergic reaction. Lie flat with the legs"
                " raised; sit up if breathing is hard. Tell the clinic afterwards on +44 20 7946"
                " 0958."
            ),
        ),
        kind="triage",
        urgency="emergency",
        topics=("urgent_symptom",),
    )


def same_day() -> Dict[str, Any]:
    """A reply that asks to be seen today."""
    return turn(
        (
            "triage",
            (
                "Please be seen by a doctor today: NHS 111 or your GP. Call the clinic too on +44"
                " 20 7946 0958. Call 999 if it spreads fast."
            ),
        ),
        kind="triage",
        urgency="same_day",
        topics=("urgent_symptom",),
    )


def soon() -> Dict[str, Any]:
    """A reply that asks to contact the clinic."""
    return turn(
        (
            "triage",
            (
                "Please contact the clinic within 24 hours: +44 20 7946 0958. Call 999 if breathing"
                " gets hard."
            ),
        ),
        ("answer", "A bruise is common."),
        kind="triage",
        urgency="contact_clinic",
        topics=("urgent_symptom",),
    )


def reminder(level: str, urgency: str = "none") -> Dict[str, Any]:
    """An answer that reminds of urgent advice of an earlier turn."""
    words = {
        "emergency": "First: if you have not called 999 about what you told me, please do it now.",
        "same_day": "First: please get help today, from NHS 111 or a doctor.",
    }
    made = turn(
        ("triage", words[level]),
        ("answer", "A session costs £180."),
        urgency=urgency,
        topics=("cost",),
    )
    made["messages"][0]["level"] = level
    return made


def crisis() -> Dict[str, Any]:
    """A reply to somebody in despair."""
    return turn(
        (
            "answer",
            (
                "I am so sorry that things are this hard. If you are in danger now, ring 999."
                " Samaritans are there day and night on 116 123."
            ),
        ),
        kind="crisis",
        topics=("crisis",),
    )


class FakeChannel:
    """The server and what it was asked. Every field may be set by a test at any time."""

    def __init__(self) -> None:
        self.card = contact.card(knowledge.load())
        self.reset()
        channel = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                channel.handle(self)

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *arguments: Any) -> None:
                """The tests read `requests` instead."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def reset(self) -> None:
        """As after start."""
        self.requests: List[Tuple[str, str, Any]] = []
        self.sessions: Dict[str, List[Dict[str, Any]]] = {}
        self.answered: Dict[Tuple[str, str], Dict[str, Any]] = {}
        self.replies: Dict[str, Any] = {}
        self.failures: List[Tuple[str, int, Dict[str, str]]] = []
        self.hold: Optional[threading.Event] = None
        #: when a request had reached the clinic, as the answer to a deletion says
        self.delivered = ""
        self.attributes: Dict[str, str] = {}
        self.page_attributes, self.head, self.body = 'lang="en"', "", ""
        self.greeting_choices = (
            ("Pain", "pain"),
            ("Downtime and recovery", "downtime"),
            ("Cost", "cost"),
        )

    def fail(self, path: str, status: int, times: int = 1, **headers: str) -> None:
        """Answer the next calls of `path` with an error."""
        self.failures += [
            (path, status, {name.replace("_", "-"): value for name, value in headers.items()})
        ] * times

    def expire(self) -> None:
        """Forget every token, as when they have expired."""
        self.sessions.clear()

    def calls(self, method: str, path: str) -> List[Any]:
        """Bodies of the calls so far."""
        return [body for one, where, body in self.requests if (one, where) == (method, path)]

    def page(self) -> str:
        """A page as a clinic would write it, with the one script tag."""
        attributes = " ".join(f'data-{name}="{value}"' for name, value in self.attributes.items())
        return (
            f"<!doctype html><html {self.page_attributes}><head><meta charset='utf-8'><meta"
            " name='viewport' content='width=device-width, initial-scale=1'><title>A"
            " clinic</title>"
            f'<link rel="icon" href="/icon.svg">{self.head}<script async'
            f' src="/webhooks/web/widget.js" {attributes}></script></head>'
            "<body><main><h1>A clinic</h1><p>Text of the page. <a id='link' href='#ask=pain'>Ask"
            f" about pain</a> <a href='/other'>Other page</a></p>{self.body}</main></body></html>"
        )

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        """One request."""
        length = int(request.headers.get("content-length") or 0)
        data = json.loads(request.rfile.read(length)) if length else None
        path = request.path.split("?")[0]
        if not path.startswith("/webhooks/web/"):
            known = path in ("/page", "/other", "/bare")
            page = (
                self.page()
                if path != "/bare"
                else "<!doctype html><title>A page without the widget</title>"
            )
            body = page.encode() if known else b"<svg xmlns='http://www.w3.org/2000/svg'/>"
            return self.send(
                request,
                200,
                body,
                "text/html; charset=utf-8" if known else "image/svg+xml",
                {"Content-Security-Policy": POLICY} if known else {},
            )
        path = path[len("/webhooks/web/") :]
        if path == "widget.js" or path.startswith("assets/"):
            file = DIST / path
            packed = file.with_name(f"{file.name}.gz")
            return (
                self.send(
                    request,
                    200,
                    packed.read_bytes(),
                    KINDS[file.suffix[1:]],
                    {"Content-Encoding": "gzip"},
                )
                if packed.exists()
                else self.problem(request, 404)
            )
        self.requests.append((request.command, path.split("/")[0], data))
        for failure in self.failures:
            if failure[0] == path.split("/")[0]:
                self.failures.remove(failure)
                return self.problem(request, failure[1], failure[2])
        status, body = self.channel(request, path, data)
        if status >= 400:
            return self.problem(request, status)
        more = (
            {"Delivered": self.delivered} if request.command == "DELETE" and self.delivered else {}
        )
        return self.send(
            request,
            status,
            b"" if body is None else json.dumps(body).encode(),
            "application/json",
            more,
        )

    def channel(self, request: BaseHTTPRequestHandler, path: str, data: Any) -> Tuple[int, Any]:
        """Status and body of a call of the channel."""
        if path == "clinic":
            return 200, self.card
        if path.startswith("topics/"):
            name = path.partition("/")[2]
            return (
                (200, {"id": name, "title": "Pain", "question": "Does microneedling hurt?"})
                if name == "pain"
                else (404, None)
            )
        if (request.command, path) == ("POST", "sessions"):
            token = f"token{next(_numbers)}"
            greeting = turn(
                ("notice", self.card["notice"]),
                ("question", "What would you like to know about microneedling?"),
                kind="notice",
                topics=(),
                choices=self.greeting_choices,
            )
            self.sessions[token] = [{"from": "assistant", "turn": greeting}]
            return 201, {"session": token, "token": token, "expires_in": 3600, "turn": greeting}
        token = (request.headers.get("authorization") or "").partition(" ")[2]
        if token not in self.sessions:
            return 401, None
        if (request.command, path) == ("DELETE", "sessions"):
            del self.sessions[token]
            return 204, None
        if (request.command, path) == ("GET", "messages"):
            return 200, {"turns": self.sessions[token]}
        if path == "feedback":
            return 204, None
        if self.hold:
            self.hold.wait(10)
        before = self.answered.get((token, data["client_id"]))
        if before:
            return 200, {"turn": before}
        said = data.get("text") or self.title_of(token, data["choice"])
        if said is None:
            return 400, None
        made = self.replies.get(said, pain)
        made = made() if callable(made) else made
        self.answered[token, data["client_id"]] = made
        if token in self.sessions:
            self.sessions[token] += [
                {"from": "visitor", "text": said},
                {"from": "assistant", "turn": made},
            ]
        return 200, {"turn": made}

    def title_of(self, token: str, choice: str) -> Optional[str]:
        """The title of a choice that this conversation was offered."""
        return next(
            (
                one["title"]
                for item in self.sessions[token]
                for one in item.get("turn", {}).get("choices", [])
                if one["id"] == choice
            ),
            None,
        )

    def problem(
        self, request: BaseHTTPRequestHandler, status: int, headers: Optional[Dict[str, str]] = None
    ) -> None:
        """An error as problem+json."""
        body = json.dumps({"status": status, "title": "Problem", "detail": "A detail."}).encode()
        self.send(request, status, body, "application/problem+json", headers or {})

    @staticmethod
    def send(
        request: BaseHTTPRequestHandler,
        status: int,
        body: bytes,
        kind: str,
        headers: Dict[str, str],
    ) -> None:
        """Write one answer; a browser that has gone is no error."""
        try:
            request.send_response(status)
            for name, value in {
                "Content-Type": kind,
                "Content-Length": str(len(body)),
                **headers,
            }.items():
                request.send_header(name, value)
            request.end_headers()
            request.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            request.close_connection = True

    def wait(self, seconds: float = 30, **counts: int) -> None:
        """Wait until so many calls have come, e.g. `wait(messages=2)` for two of POST messages.
        Raises AssertionError.

        Half a minute, because a busy machine has been seen to take more than five seconds over one
        call.
        """
        limit = time.monotonic() + seconds
        while not all(len(self.calls("POST", path)) >= count for path, count in counts.items()):
            if time.monotonic() > limit:
                break
            time.sleep(0.02)
        else:
            return
        raise AssertionError(
            f"calls so far: {[(method, path) for method, path, _ in self.requests]}, wanted"
            f" {counts}"
        )

    def end(self) -> None:
        """Stop serving."""
        self.server.shutdown()
        self.server.server_close()
