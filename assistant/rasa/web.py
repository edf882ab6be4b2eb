"""The website channel `web`: docs/api.yml over HTTP, served by `rasa run` under /webhooks/web.

Rasa swallows an ImportError of this module ("unknown input channel"), so that it imports little and
a test imports it.
"""

import asyncio
import contextlib
import functools
import gc
import json
import logging
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Awaitable, Callable, Dict, List, Optional, Set
from urllib.parse import urlsplit

from rasa.core.channels.channel import InputChannel, OutputChannel, UserMessage
from sanic import Blueprint, Sanic
from sanic.exceptions import SanicException
from sanic.request import Request
from sanic.response import HTTPResponse, empty, raw, redirect
from sanic.response import json as json_response

from assistant import compose, database, http_edge, redaction, retention
from assistant.clinic import Limits
from assistant.handoff import requests
from assistant.rasa import assets, observe
from assistant.rasa.record import Record
from assistant.rasa.runtime import circumstances, live_knowledge, responses, triage
from assistant.rasa.throttle import Throttle
from assistant.safety.circumstances import remember
from assistant.safety.replies import language_of, response_name, said_by_rasa
from assistant.turn import Turn, public, together
from assistant.understanding.reader import chosen_meaning, intent_of
from assistant.understanding.text import bounded, normalise
from assistant.webstore import BadToken, WebStore, action_key

logger = logging.getLogger(__name__)

PREFIX = "/webhooks/web"
#: Seconds after which a request that is not delivered shows in the health answer.
DELIVERY_LATE = 300
#: What health says of an action server that was started with another secret.
OTHER_KEY = "refuses this server's key: start both with one ASSISTANT_SECRET or ASSISTANT_STATE"
#: Bytes from which on a message is read beside the event loop; characters that are read of one
#: beyond the limit of messages.
LONG, READ_BEYOND_LIMIT = 1500, 2000
#: Seconds that reading a long text may take with its wait behind others.
READ_TIME = 4.0
#: Seconds that the reply to a danger sign waits for its record.
RECORD_WAIT = 0.8
#: Seconds that opening a conversation waits for its record, and the history for records under way.
OPEN_WAIT, HISTORY_WAIT = 1.5, 2.0
#: Seconds that an erasure waits for a message at work; an action call may take 4.
ERASE_WAIT = 8.0


class Problem(Exception):
    """An error answer by RFC 9457: HTTP status, title, detail."""

    def __init__(
        self, status: int, title: str, detail: str, headers: Optional[Dict[str, str]] = None
    ):
        super().__init__(title)
        self.status, self.title, self.detail, self.headers = status, title, detail, headers

    def response(self) -> HTTPResponse:
        body = {
            "type": "about:blank",
            "status": self.status,
            "title": self.title,
            "detail": self.detail,
        }
        return json_response(
            body, self.status, content_type="application/problem+json", headers=self.headers
        )


TITLES = {
    400: "Bad request",
    401: "Not authorised",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    413: "Too large",
    415: "Unsupported media type",
    429: "Too many requests",
    503: "Not available",
}


class TurnOutput(OutputChannel):
    """Collects what Rasa says in answer to one message."""

    def __init__(self) -> None:
        self.turns: List[Dict[str, Any]] = []
        self.texts: List[str] = []

    @classmethod
    def name(cls) -> str:
        return "web"

    async def send_response(self, recipient_id: str, message: Dict[str, Any]) -> None:
        custom = message.get("custom") or {}
        by_rasa = said_by_rasa(message.get("utter_action") or "", message.get("text") or "")
        if "turn" in custom:
            self.turns.append(custom["turn"])
        elif by_rasa:
            self.turns.append(by_rasa.as_dict())
        elif message.get("text"):
            self.texts.append(message["text"])

    async def send_text_message(self, recipient_id: str, text: str, **kwargs: Any) -> None:
        self.texts.append(text)

    def turn(self) -> Optional[Dict[str, Any]]:
        """The one turn of this message, or None when Rasa said nothing."""
        if self.turns:
            return together(self.turns)
        if self.texts:
            turn = Turn("fallback")
            for text in self.texts:
                turn.say("answer", text)
            return turn.as_dict()
        return None


def limits() -> Limits:
    """The limits of clinic.yml as they are now."""
    return live_knowledge().get().clinic.limits


def plain(value: Any, most: int) -> bool:
    """Whether `value` is a name that a store can keep and a log can show: 1 to `most` printable
    characters (a lone surrogate is none)."""
    return isinstance(value, str) and 0 < len(value) <= most and value.isprintable()


def never_command(said: str) -> str:
    """A text that Rasa cannot take for one of its commands: it strips all white space, line breaks
    too, before it looks for a slash."""
    return re.sub(r"^[\s/]+", "", said) if said.lstrip().startswith("/") else said


def plain_function(
    method: Callable[..., Awaitable[HTTPResponse]],
) -> Callable[..., Awaitable[HTTPResponse]]:
    """A bound method as a function: Sanic sets an attribute on its handlers."""

    async def handler(request: Request, **arguments: Any) -> HTTPResponse:
        return await method(request, **arguments)

    handler.__name__ = getattr(method, "__name__", "handler")
    return handler


def answer_in(tracker: Any, message_id: str) -> List[Any]:
    """What Rasa said (BotUttered events) to the message of this id, when that is the latest one of
    a conversation."""
    from rasa.shared.core.events import BotUttered, UserUttered

    said: List[Any] = []
    for event in reversed(tracker.events if tracker else []):
        if isinstance(event, BotUttered):
            said.insert(0, event)
        elif isinstance(event, UserUttered):
            return said if event.message_id == message_id else []
    return []


#: Reads long texts, one after the other, so that short messages of others are answered meanwhile.
_reading = ThreadPoolExecutor(1, thread_name_prefix="reading")


def read(text: str) -> str:
    """`text` normalised; what triage finds in it is kept for who asks next."""
    said = normalise(text)
    triage().find(said)
    if len(said) > limits().characters:
        _told(said)
    return said


@functools.lru_cache(maxsize=16)
def _told(said: str) -> str:
    return json.dumps(circumstances().find(said))


def told(said: str) -> List[Dict[str, Any]]:
    """What a text says of somebody's circumstances; of a long one that was read it is at hand."""
    return json.loads(_told(said))


#: Long texts that wait to be read or are being read.
_waiting: Set["asyncio.Future[str]"] = set()


async def heard(text: str) -> str:
    """`text` as it is answered, read for danger signs; a long one without holding others up.

    While other long ones wait, an emergency in its first or last words is seen at once. Of one that
    takes longer than READ_TIME, with its wait, only so much is read as a message may have.
    """
    if len(text.encode("utf-8", "replace")) <= LONG:
        read(text)
        return text
    if _waiting:
        ends = bounded(text, READ_BEYOND_LIMIT)
        if Endpoints.urgent(read(ends)):
            return ends
    work = asyncio.get_running_loop().run_in_executor(_reading, read, text)
    _waiting.add(work)
    work.add_done_callback(_waiting.discard)
    try:
        await asyncio.wait_for(work, READ_TIME)
        return text
    except asyncio.TimeoutError:
        logger.warning("reading a text of %d characters took too long", len(text))
        ends = bounded(text, limits().characters + 100)
        read(ends)
        return ends


_background: set = set()


def in_background(work: Awaitable[Any]) -> None:
    """Start `work` and keep a reference to it until it is done (asyncio keeps none)."""
    task = asyncio.ensure_future(work)
    _background.add(task)
    task.add_done_callback(_finished)


def _finished(task: "asyncio.Future[Any]") -> None:
    """Let go of what was done in the background; an error is taken note of."""
    _background.discard(task)
    error = None if task.cancelled() else task.exception()
    if error and not isinstance(error, BadToken):  # a conversation that is gone is no fault
        logger.error("work in the background failed: %s", type(error).__name__)


class WebInput(InputChannel):
    """Sessions, messages, history, feedback, erasure and health of the website channel."""

    @classmethod
    def name(cls) -> str:
        return "web"

    @classmethod
    def from_credentials(cls, credentials: Optional[Dict[str, Any]]) -> InputChannel:
        return cls()

    def __init__(self) -> None:
        self.store = WebStore(lambda: live_knowledge().get().clinic.country)
        self.store.check_secret()

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """The channel's routes."""
        routes = Blueprint("web_channel", strict_slashes=False)
        Endpoints(self.store, on_new_message).register(routes)
        return routes


class Endpoints:
    """The handlers behind the routes."""

    def __init__(self, store: WebStore, on_new_message: Callable[[UserMessage], Awaitable[Any]]):
        self.store, self.on_new_message = store, on_new_message
        self.record = Record(store)
        self.throttle = Throttle()
        #: Records of urgent turns under way, with their conversations.
        self.recording: Dict[asyncio.Future[Any], str] = {}

    def register(self, routes: Blueprint) -> None:
        """Add every route, the error handlers and the CORS answer to `routes`."""
        routes.add_route(plain_function(self.open_session), "/sessions", methods=["POST"])
        routes.add_route(plain_function(self.erase_session), "/sessions", methods=["DELETE"])
        routes.add_route(plain_function(self.post_urgent_first), "/messages", methods=["POST"])
        routes.add_route(plain_function(self.history), "/messages", methods=["GET"])
        routes.add_route(plain_function(self.feedback), "/feedback", methods=["POST"])
        routes.add_route(plain_function(self.live), "/live", methods=["GET"])
        routes.add_route(plain_function(self.health), "/health", methods=["GET"])
        routes.add_route(plain_function(self.metrics), "/metrics", methods=["GET"])
        assets.AssetRoutes(PREFIX).register(routes)
        # the blueprint's signal is the whole server's: also for addresses that are not ours
        http_edge.strict_chunks()
        routes.signal(http_edge.SIGNAL, exclusive=False)(http_edge.refuse_malformed)

        @routes.listener("before_server_start")
        async def prepare(app: Sanic, _loop) -> None:
            app.config.REQUEST_MAX_SIZE = limits().body_kilobytes * 1024
            app.error_handler.add(Exception, self.on_error)
            app.register_middleware(self.allow_origins, "response")
            app.register_middleware(self.front_door, "request")
            app.register_middleware(self.only_named_websites, "request")

        @routes.listener("after_server_start")
        async def tidy(app: Sanic, _loop) -> None:
            gc.collect()
            # the model and all modules stay: the garbage collector need not walk through them (0.8
            # ms of a turn)
            gc.freeze()
            app.ctx.tidy = asyncio.ensure_future(
                retention.tidy_for_ever(lambda: live_knowledge().get().clinic.privacy)
            )

        @routes.listener("before_server_stop")
        async def finish(app: Sanic, _loop) -> None:
            app.ctx.tidy.cancel()
            await self.record.finish(_background)

    async def on_error(self, request: Optional[Request], error: Exception) -> HTTPResponse:
        """Every error as problem+json, without a stack trace; counted by its status."""
        answer = self.problem(error)
        observe.errors.labels(f"http_{answer.status}").inc()
        return answer

    @staticmethod
    def problem(error: Exception) -> HTTPResponse:
        """The answer to an error."""
        if isinstance(error, Problem):
            return error.response()
        if isinstance(error, BadToken):
            return Problem(401, TITLES[401], str(error), {"WWW-Authenticate": "Bearer"}).response()
        if isinstance(error, database.StoreError):
            logger.error("web channel: %s", error)
            return Problem(
                503,
                TITLES[503],
                "The assistant cannot use its conversations just now. Please try again in a"
                " moment.",
                {"Retry-After": "5"},
            ).response()
        status = getattr(error, "status_code", 500) if isinstance(error, SanicException) else 500
        if status >= 500:
            logger.error("web channel: %s", type(error).__name__, exc_info=error)
            return Problem(
                503,
                TITLES[503],
                "The assistant cannot answer just now. Please try again in a moment.",
                {"Retry-After": "5"},
            ).response()
        details = {
            404: "There is nothing at this address.",
            405: "This address does not take that method.",
            413: f"A request may have at most {limits().body_kilobytes} KB.",
        }
        return Problem(
            status,
            TITLES.get(status, "Bad request"),
            details.get(status, "The request is malformed."),
        ).response()

    @staticmethod
    async def front_door(request: Request) -> Optional[HTTPResponse]:
        """http://localhost:5005/ shows the demo page instead of Rasa's greeting."""
        return redirect(f"{PREFIX}/demo") if request.path == "/" else None

    @staticmethod
    async def only_named_websites(request: Request) -> None:
        """A page of another website changes nothing here, also where its browser would not let it
        read the answer. Raises Problem (403)."""
        origin = request.headers.get("origin")
        if (
            request.method not in ("POST", "DELETE")
            or origin is None
            or not request.path.startswith(PREFIX)
        ):
            return
        own = request.headers.get("sec-fetch-site") == "same-origin" or urlsplit(
            origin
        ).netloc == request.headers.get("host")
        if not own and origin not in live_knowledge().get().clinic.website_origins:
            raise Problem(
                403, TITLES[403], "This website is not named in `website_origins` of clinic.yml."
            )

    async def allow_origins(self, request: Request, response: HTTPResponse) -> None:
        """Answer preflights and replies for the origins that clinic.yml allows, without
        credentials."""
        if response is None or not request.path.startswith(PREFIX):
            return
        if assets.is_public(request.path, PREFIX) and response.status in (200, 304):
            return  # files of the widget: the same for every website
        response.headers.setdefault("Cache-Control", "no-store")  # tokens and what was said
        for header in (
            "Access-Control-Allow-Credentials",
            "Access-Control-Expose-Headers",
            "Access-Control-Allow-Origin",
        ):
            response.headers.pop(header, None)
        response.headers["Access-Control-Expose-Headers"] = "Delivered, Retry-After"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Vary"] = "Origin"
        if request.method == "OPTIONS":
            response.status, response.body = 204, b""
            response.headers.pop("content-type", None)
        if request.headers.get("origin") in live_knowledge().get().clinic.website_origins:
            response.headers["Access-Control-Allow-Origin"] = request.headers["origin"]
            if request.method == "OPTIONS":
                response.headers["Access-Control-Allow-Methods"] = "GET, POST, DELETE"
                response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
                response.headers["Access-Control-Max-Age"] = "600"

    @staticmethod
    def body(request: Request) -> Dict[str, Any]:
        """The JSON object of a request. Raises Problem (400, 415)."""
        kind = (request.headers.get("content-type") or "").split(";")[0].strip().lower()
        if kind != "application/json":
            raise Problem(415, TITLES[415], "Send a JSON object as application/json.")
        try:
            data = json.loads(request.body)
        except (ValueError, UnicodeDecodeError, RecursionError):
            raise Problem(400, TITLES[400], "The body is not valid JSON.") from None
        if not isinstance(data, dict):
            raise Problem(400, TITLES[400], "The body must be a JSON object.")
        return data

    @staticmethod
    def token(request: Request) -> str:
        """The bearer token of a request. Raises BadToken."""
        kind, _, token = (request.headers.get("authorization") or "").partition(" ")
        if kind.lower() != "bearer" or not token.strip() or not token.isascii():
            raise BadToken(
                "This call needs the token of the conversation as `Authorization: Bearer`."
            )
        return token.strip()

    async def session(self, request: Request) -> str:
        """The conversation that the bearer token opens. Raises BadToken, StoreError."""
        return await database.reach(self.store.session_of, self.token(request), expected=BadToken)

    async def limit(self, request: Request, **what: Any) -> None:
        """Count a call against the limits of clinic.yml. Raises Problem (429)."""
        seconds = await self.throttle.check(request, limits(), **what)
        if seconds:
            raise Problem(
                429,
                TITLES[429],
                live_knowledge().get().reply("too_many", seconds=str(seconds)),
                {"Retry-After": str(seconds)},
            )

    async def open_session(self, request: Request) -> HTTPResponse:
        await self.limit(request, opening=True)
        if request.body:
            self.body(request)
        turn = compose.greeting(live_knowledge().get()).as_dict()
        session, token, seconds = await self.record.open(
            turn, limits().token_hours * 3600, OPEN_WAIT
        )
        return json_response(
            {"session": session, "token": token, "expires_in": seconds, "turn": public(turn)}, 201
        )

    async def post_message(self, request: Request) -> HTTPResponse:
        session, data = self.store.claimed(self.token(request)), self.body(request)
        text, choice, client_id = data.get("text"), data.get("choice"), data.get("client_id")
        if (text is None) == (choice is None):
            raise Problem(400, TITLES[400], "Send either `text` or `choice`.")
        for name, value, most in (
            ("text", text, None),
            ("choice", choice, 64),
            ("client_id", client_id, 80),
        ):
            if value is None or (isinstance(value, str) if most is None else plain(value, most)):
                continue
            raise Problem(
                400,
                TITLES[400],
                f"`{name}` must be a text"
                + (f" of 1 to {most} printable characters." if most else "."),
            )
        if text is None:
            await self.limit(request, session=session)
        else:
            text = await self.within_limit(request, session, text)
        picked = None
        if choice is not None:
            picked = await self.record.choice(session, choice)
            if picked is None:
                await self.session(request)
                raise Problem(400, TITLES[400], live_knowledge().get().reply("unknown_choice"))
        name = client_id or self.request_id(request)
        urgent = None if text is None else self.urgent(normalise(text))

        def recorded(name: str) -> Awaitable[Dict[str, Any]]:
            return self.record.once(
                session,
                name,
                lambda first, faults: self.whole_turn(
                    request, session, text, picked, name, first, faults, urgent
                ),
            )

        turn = await (
            recorded(name) if urgent is None else self.at_once(session, urgent, name, recorded)
        )
        return json_response({"turn": public(turn)})

    async def at_once(
        self,
        session: str,
        urgent: Turn,
        name: str,
        recorded: Callable[[str], Awaitable[Dict[str, Any]]],
    ) -> Dict[str, Any]:
        """The turn of a danger sign as it was `recorded` under the message's name; its reply alone
        when that takes longer than RECORD_WAIT. The record goes on.

        A name that was used before for something else gives no old small talk in answer to a danger
        sign: then it is another message. Raises BadToken.
        """

        async def record() -> Dict[str, Any]:
            turn = await recorded(name)
            if turn.get("urgency", "none") == "none" and turn["kind"] != "crisis":
                turn = await recorded(f"{name[:70]}-urgent")
            return turn

        work = asyncio.ensure_future(record())
        self.recording[work] = session
        work.add_done_callback(self.recording.pop)
        in_background(work)
        done, _ = await asyncio.wait({work}, timeout=RECORD_WAIT)
        return work.result() if done else urgent.as_dict()

    async def within_limit(self, request: Request, session: str, text: str) -> str:
        """`text`, read for danger signs. Beyond the limit a danger sign is answered all the same,
        but little of a long text is looked at. Raises Problem (429)."""
        try:
            await self.limit(request, session=session)
        except Problem:
            text = await heard(bounded(text, READ_BEYOND_LIMIT))
            if not self.urgent(normalise(text)):
                raise
            return text
        return await heard(text)

    async def post_urgent_first(self, request: Request) -> HTTPResponse:
        """post_message; but a danger sign is answered as such, without a record, also when the
        conversation has expired or is gone: the token has to be signed by us."""
        try:
            return await self.post_message(request)
        except BadToken as error:
            self.store.claimed(self.token(request), expired=True)
            text = self.body(request).get("text")
            turn = self.urgent(normalise(await heard(text))) if isinstance(text, str) else None
            if turn is None:
                raise error
            observe.errors.labels("urgent_without_conversation").inc()
            return json_response({"turn": public(turn.as_dict())})

    @staticmethod
    def request_id(request: Request) -> str:
        """What names a message without a client id: nginx gives a request that it sends to a second
        worker the same X-Request-ID."""
        given = request.headers.get("x-request-id") or ""
        return (
            f"request-{given}"
            if re.fullmatch(r"[0-9a-f]{16,64}", given)
            else f"request-{uuid.uuid4().hex}"
        )

    async def whole_turn(
        self,
        request: Request,
        session: str,
        text: Optional[str],
        picked: Optional[Dict[str, Any]],
        client_id: str,
        first: bool,
        faults: List[str],
        urgent: Optional[Turn] = None,
    ) -> Dict[str, Any]:
        """One turn from the message to its record, logged and counted. `urgent` is the reply to its
        danger sign."""
        notes = observe.watch()
        turn = await self.answer(request, session, text, picked, client_id, first, faults, urgent)
        agent = getattr(request.app.ctx, "agent", None)
        model = agent.model_id if agent and agent.is_ready() else "none"
        observe.turn_done(
            notes,
            session,
            client_id,
            turn,
            live_knowledge().get().topics,
            model,
            bool(picked),
            faults,
        )
        return turn

    async def answer(
        self,
        request: Request,
        session: str,
        text: Optional[str],
        picked: Optional[Dict[str, Any]],
        client_id: str,
        first: bool,
        faults: List[str],
        urgent: Optional[Turn],
    ) -> Dict[str, Any]:
        """The turn of a message, recorded."""
        kb = live_knowledge().get()
        said = picked["title"] if picked else normalise(text)
        if urgent:
            turn = urgent.as_dict()
            in_background(self.note_in_rasa(session, said))
        elif not picked and not said:
            turn = compose.compose({"request": "blank"}, None, kb)[0].as_dict()
        elif not picked and len(" ".join(said.split())) > limits().characters:
            meaning = {
                "request": "too_long",
                "triage": triage().find(said).as_dict(),
                "circumstances": told(said),
            }
            turn = compose.compose(meaning, None, kb)[0].as_dict()
            in_background(self.note_in_conversation(request, session, meaning))
        else:
            turn = await self.ask_rasa(request, session, said, picked, client_id, first)
            if faults and turn["kind"] != "fallback":
                turn["messages"].insert(
                    0, {"role": "notice", "topic": None, "text": kb.reply("notes_missing")}
                )
        if turn.get("erase"):
            await database.reach(self.store.erase, session, True)
            return turn
        if turn["kind"] == "crisis":
            in_background(self.forget_draft(session))
        return await self.record.keep(session, self.cut(said, limits().characters), turn, client_id)

    @staticmethod
    def urgent(said: str) -> Optional[Turn]:
        """The reply to a danger sign or to plain words of a crisis, found before the conversation's
        lock, so that a hung action never holds it up."""
        name = response_name(triage().find(said).as_dict())
        return (
            said_by_rasa(
                name, live_knowledge().get().phrases.fill(responses()[name], language_of(name))
            )
            if name
            else None
        )

    async def note_in_rasa(self, session: str, said: str) -> None:
        """Let Rasa go through the same message, so that the conversation remembers it; of a very
        long one with what was found in all of it."""
        text, parse = never_command(self.cut(said, limits().characters)), None
        if len(said) > limits().characters:
            meaning = {
                "questions": [],
                "language": "en",
                "triage": triage().find(said).as_dict(),
                "circumstances": told(said),
            }
            intent = {"name": intent_of(meaning), "confidence": 1.0}
            parse = {
                "text": text,
                "intent": intent,
                "entities": [],
                "intent_ranking": [intent],
                "meaning": meaning,
            }
        try:
            await self.on_new_message(
                UserMessage(
                    text, TurnOutput(), session, input_channel=WebInput.name(), parse_data=parse
                )
            )
        except Exception as error:
            logger.error("noting an urgent turn failed: %s", type(error).__name__)

    @staticmethod
    def cut(text: str, most: int) -> str:
        """The first `most` characters of a text, no address or number in two."""
        return redaction.cut(text, most, live_knowledge().get().clinic.country)

    @staticmethod
    async def forget_draft(session: str) -> None:
        """Delete what an open request form has: nobody is to be called about skin after a
        crisis."""
        try:
            await database.reach(requests.drop_drafts, session)
        except Exception as error:
            logger.error("deleting a draft failed: %s", type(error).__name__)

    @staticmethod
    async def note_in_conversation(request: Request, session: str, meaning: Dict[str, Any]) -> None:
        """Remember what a message that was too long to answer said of the visitor's
        circumstances."""
        from rasa.shared.core.events import SlotSet

        agent = getattr(request.app.ctx, "agent", None)
        if not meaning["circumstances"] or agent is None or not agent.is_ready():
            return
        try:
            async with agent.lock_store.lock(session):
                tracker = await agent.processor.fetch_tracker_and_update_session(session)
                state = {**compose.new_state(), **(tracker.get_slot("conversation") or {})}
                tracker.update(
                    SlotSet(
                        "conversation",
                        {
                            **state,
                            "circumstances": remember(
                                state["circumstances"], meaning["circumstances"]
                            ),
                        },
                    )
                )
                await agent.tracker_store.save(tracker)
        except Exception as error:
            logger.error("noting a very long message failed: %s", type(error).__name__)

    async def ask_rasa(
        self,
        request: Request,
        session: str,
        said: str,
        picked: Optional[Dict[str, Any]],
        client_id: str,
        first: bool,
    ) -> Dict[str, Any]:
        """Rasa's turn for a message, or the kind sentence with the phone when Rasa is silent or
        fails."""
        agent = getattr(request.app.ctx, "agent", None)
        if agent is None or not agent.is_ready():
            raise Problem(
                503,
                TITLES[503],
                "The assistant has no trained model. Run `make train`.",
                {"Retry-After": "30"},
            )
        output, parse = TurnOutput(), None
        if picked:
            meaning = chosen_meaning(picked["meaning"], picked.get("title", ""))
            intent = {"name": intent_of(meaning), "confidence": 1.0}
            parse = {
                "text": said,
                "intent": intent,
                "entities": [],
                "intent_ranking": [intent],
                "meaning": meaning,
            }
        else:
            said = never_command(said) or "?"
        message = UserMessage(
            said,
            output,
            session,
            input_channel=WebInput.name(),
            parse_data=parse,
            message_id=client_id,
        )
        try:
            if first:
                await self.on_new_message(message)
            else:
                before = await self.finish_for_another(agent, message)
                if before:
                    return before
        except Exception as error:
            logger.error("turn failed: %s", type(error).__name__, exc_info=error)
        turn = output.turn()
        if turn is None:
            observe.errors.labels("no_answer").inc()
            await self.heal(agent, session)
            turn = compose.fixed("fallback", "error", live_knowledge().get()).as_dict()
        return turn

    async def finish_for_another(
        self, agent: Any, message: UserMessage
    ) -> Optional[Dict[str, Any]]:
        """Answer a message that another request brought before: it is being answered elsewhere, or
        its worker was killed.

        Waits for its place behind that request and for the lock, which outlives a killed worker by
        some seconds. What that worker had recorded is given back; what it had only told Rasa is
        said again from Rasa's record; otherwise the message is answered now.
        """
        await asyncio.sleep(0.25)  # let the other request queue up first
        async with agent.lock_store.lock(message.sender_id):
            before = await self.record.answered(message.sender_id, message.message_id)
            if before:
                return before
            events = answer_in(
                await agent.tracker_store.retrieve(message.sender_id), message.message_id
            )
            for event in events:
                await message.output_channel.send_response(
                    message.sender_id, {**event.data, **event.metadata, "text": event.text}
                )
            if not events:
                await agent.processor.handle_message(message)
        return None

    @staticmethod
    async def heal(agent: Any, session: str) -> None:
        """After a turn without an answer: let the conversation listen again (Rasa's circuit breaker
        leaves it deaf)."""
        from rasa.shared.core.constants import ACTION_LISTEN_NAME
        from rasa.shared.core.events import ActionExecuted

        try:
            async with agent.lock_store.lock(session):
                tracker = await agent.tracker_store.retrieve(session)
                if tracker and tracker.latest_action_name != ACTION_LISTEN_NAME:
                    tracker.update(ActionExecuted(ACTION_LISTEN_NAME))
                    await agent.tracker_store.save(tracker)
        except Exception as error:
            logger.error("healing a conversation failed: %s", type(error).__name__)

    async def history(self, request: Request) -> HTTPResponse:
        await self.limit(request)
        session = await self.session(request)
        under_way = [work for work, owner in self.recording.items() if owner == session]
        if under_way:
            await asyncio.wait(under_way, timeout=HISTORY_WAIT)
        return json_response({"turns": await database.reach(self.store.history, session)})

    async def feedback(self, request: Request) -> HTTPResponse:
        await self.limit(request)
        session, data = await self.session(request), self.body(request)
        turn, topic, vote, comment = (
            data.get(name) for name in ("turn", "topic", "vote", "comment")
        )
        if vote not in ("up", "down"):
            raise Problem(400, TITLES[400], '`vote` must be "up" or "down".')
        if not plain(turn, 64) or not await database.reach(self.store.has_turn, session, turn):
            raise Problem(400, TITLES[400], "`turn` must be the id of a turn of this conversation.")
        if (topic is not None and not plain(topic, 64)) or (
            comment is not None and not isinstance(comment, str)
        ):
            raise Problem(400, TITLES[400], "`topic` and `comment` must be texts.")
        await database.reach(
            self.store.vote,
            session,
            turn,
            topic,
            vote,
            self.cut(normalise(comment), 1000) if comment else None,
        )
        return empty(204)

    async def erase_session(self, request: Request) -> HTTPResponse:
        """Delete a conversation, under its lock: behind the message at work, for ERASE_WAIT seconds
        at most; what still comes of one afterwards is not written."""
        await self.limit(request)
        session = await self.session(request)
        agent = getattr(request.app.ctx, "agent", None)
        async with contextlib.AsyncExitStack() as held:
            if agent is not None and agent.is_ready():
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(
                        held.enter_async_context(agent.lock_store.lock(session)), ERASE_WAIT
                    )
            delivered = await database.reach(self.store.delivered, session)
            await database.reach(self.store.erase, session)
            self.record.forget(session)
            if agent is not None and agent.is_ready():
                getattr(agent.tracker_store, "_tracker_store", agent.tracker_store).forget(
                    session
                )  # Rasa wraps it
        return empty(204, headers={"Delivered": delivered} if delivered else None)

    async def live(self, request: Request) -> HTTPResponse:
        return json_response({"status": "ok"})

    async def health(self, request: Request) -> HTTPResponse:
        """What works: the model, the action server, the store, the newest edit of the knowledge
        base."""
        await self.limit(request)
        agent = getattr(request.app.ctx, "agent", None)
        ready = bool(agent and agent.is_ready())
        actions = await self.actions_state(agent) if ready else "down"
        store = "ok" if await self.store_alive() else "down"
        locks = "ok" if ready and await agent.lock_store.works() else "down"
        live = live_knowledge()
        live.get()
        knowledge = (
            "ok"
            if not live.problems
            else f"{len(live.problems)} problems in the newest edit: run `make check`"
        )
        report = {
            "status": "ok" if ready and actions == store == locks == "ok" else "down",
            "model": agent.model_id if ready else "none",
            "actions": actions,
            "store": store,
            "locks": locks,
            "knowledge": knowledge,
            "handoff": await self.deliveries() if store == "ok" else "down",
        }
        return json_response(report, 200 if report["status"] == "ok" else 503)

    async def metrics(self, request: Request) -> HTTPResponse:
        """Prometheus' figures of this worker, for those who may see them; nobody else learns that
        they exist."""
        if not observe.allowed(request):
            raise Problem(404, TITLES[404], "There is nothing at this address.")
        agent = getattr(request.app.ctx, "agent", None)
        try:
            found: Optional[Dict[str, Any]] = await database.reach(observe.counts)
        except database.StoreError:
            found = None
        return raw(
            observe.page(
                found,
                self.record.unwritten,
                agent.model_id if agent and agent.is_ready() else "none",
            ),
            content_type=observe.CONTENT_TYPE,
        )

    async def store_alive(self) -> bool:
        """Whether the database answers."""
        try:
            return await database.reach(self.store.works)
        except database.StoreError:
            return False

    @staticmethod
    async def deliveries() -> str:
        """Whether requests to the clinic are delivered; the assistant works all the same when they
        wait."""
        try:
            late = await database.reach(requests.waiting, DELIVERY_LATE)
        except database.StoreError:
            return "down"
        return "ok" if not late else f"{late} requests wait to be delivered: `make inbox` says why"

    @staticmethod
    async def actions_state(agent: Any) -> str:
        """Whether the action server answers within a second, takes this server's key and has our
        action: "ok", "down", or a sentence."""
        import aiohttp

        endpoint = agent.action_endpoint
        if endpoint is None:
            return "down"
        url = endpoint.url.rsplit("/", 1)[0] + "/actions"
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1)) as http,
                http.get(url, headers={"X-Assistant-Key": action_key()}) as answer,
            ):
                if answer.status == 401:
                    return OTHER_KEY
                known = await answer.json(content_type=None) if answer.status == 200 else []
                return "ok" if {"name": "action_answer"} in known else "another server's actions"
        except (aiohttp.ClientError, asyncio.TimeoutError, ValueError, TypeError):
            return "down"
