"""What the website channel keeps: signed tokens, turns, choices, feedback."""

import functools
import hashlib
import hmac
import json
import os
import secrets
import time
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Optional, Tuple

import jwt
import sqlalchemy as sa

from assistant import database, paths, redaction
from assistant.handoff import requests
from assistant.handoff.veil import stored_message
from assistant.turn import public

#: Seconds for which a conversation's token is good, unless clinic.yml says otherwise.
LIFETIME = 24 * 3600
ALGORITHM = "HS256"
#: Bytes of a secret for HS256 (RFC 7518, 3.2: as many as the hash has), and different characters
#: that any random one has.
LEAST_SECRET, LEAST_DIFFERENT = 32, 8
#: How the id of a conversation begins that was opened while the database was away: its row is
#: written when it is first needed.
LATE = "late-"
#: A message of a conversation that there is, unless it came before.
ACCEPT = sa.text(
    "INSERT INTO web_turns (session, created, client_id, turn) SELECT id, :created, :client_id, ''"
    " FROM web_sessions WHERE id = :session ON CONFLICT DO NOTHING"
)


class BadToken(Exception):
    """The token is missing, forged, expired, or its conversation is gone."""


class WeakSecret(RuntimeError):
    """The secret that signs tokens can be guessed; the message says what to do."""


def secret() -> str:
    """The signing secret: ASSISTANT_SECRET, or one that is made once in the state folder, readable
    by its owner only. Raises WeakSecret for one of fewer than LEAST_SECRET bytes, and OSError when
    the folder cannot be used."""
    given = os.environ.get("ASSISTANT_SECRET")
    if given is None or given == "":
        given = _stored_secret()
    if len(given.encode()) < LEAST_SECRET or len(set(given)) < LEAST_DIFFERENT:
        raise WeakSecret(
            f"the secret that signs tokens has to have {LEAST_SECRET} random characters or more:"
            " set ASSISTANT_SECRET to the output of `openssl rand -base64 48`, or leave it out"
            f" and delete {paths.state_folder() / 'secret'}"
        )
    return given


def _stored_secret() -> str:
    path = paths.state_folder() / "secret"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        # Written whole before it gets its name: several workers start at once.
        own = path.with_name(f"secret.{os.getpid()}")
        with open(
            os.open(own, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="ascii"
        ) as handle:
            handle.write(secrets.token_urlsafe(48))
        try:
            os.link(own, path)
        except FileExistsError:
            pass
        finally:
            own.unlink()
    return path.read_text("ascii")


@functools.cache
def action_key() -> str:
    """What a Rasa server shows to the action server: derived from the secret that both know, so
    that neither has to be told."""
    return hmac.new(secret().encode(), b"action server", hashlib.sha256).hexdigest()


class WebStore:
    """Sessions, turns, choices and feedback in assistant.database; personal data in a visitor's
    words is masked on the way in.

    `country` gives the clinic's country: phone numbers are known as they are written there.
    """

    def __init__(self, country: Callable[[], str] = lambda: "GB") -> None:
        self._country = country
        self._secret: Optional[str] = None

    def _key(self) -> str:
        if self._secret is None:
            try:
                self._secret = secret()
            except OSError:  # no usable folder: conversations end with this process
                self._secret = secrets.token_urlsafe(48)
        return self._secret

    def check_secret(self) -> None:
        """Raises WeakSecret when tokens could be forged: nobody is served then."""
        self._key()

    def issue(self, lifetime: int = LIFETIME, late: bool = False) -> Tuple[str, str, int]:
        """A new conversation that is not written yet: its id, its token, the token's `lifetime` in
        seconds. `late`: the database is away."""
        session, now = (LATE if late else "") + secrets.token_hex(16), time.time()
        return (
            session,
            jwt.encode(
                {"sub": session, "iat": int(now), "exp": int(now) + lifetime},
                self._key(),
                ALGORITHM,
            ),
            lifetime,
        )

    def open(self, turn: Dict[str, Any], lifetime: int = LIFETIME) -> Tuple[str, str, int]:
        """A new conversation with its greeting: its id, its token, the token's lifetime in
        seconds."""
        (session, token, _), now = self.issue(lifetime), time.time()
        with database.engine().begin() as connection:
            connection.execute(
                database.sessions.insert().values(id=session, created=now, expires=now + lifetime)
            )
            connection.execute(
                database.turns.insert().values(
                    session=session, created=now, turn=json.dumps(public(turn), ensure_ascii=False)
                )
            )
            self._keep_choices(connection, session, turn)
        return session, token, lifetime

    def claimed(self, token: str, expired: bool = False) -> str:
        """The conversation that a token names, by its signature alone; also that of an `expired`
        one when that is wanted. Raises BadToken."""
        try:
            # A clock that jumped back must not make a token look as if it came from the future.
            return jwt.decode(
                token,
                self._key(),
                [ALGORITHM],
                options={"require": ["sub", "exp"], "verify_iat": False, "verify_exp": not expired},
            )["sub"]
        except jwt.ExpiredSignatureError:
            raise BadToken("This conversation has expired. Open a new one.") from None
        except jwt.InvalidTokenError:
            raise BadToken("The token is not valid.") from None

    def session_of(self, token: str) -> str:
        """The conversation of a token. Raises BadToken."""
        session = self.claimed(token)
        with database.engine().begin() as connection:
            self._must_exist(connection, session)
        return session

    @staticmethod
    def _write_late(connection: Any, session: str) -> None:
        """The row of a conversation that was opened while the database was away, unless it is there
        or was erased. Any worker may be the first to need it."""
        if session.startswith(LATE) and not database.is_erased(connection, session):
            now = time.time()
            connection.execute(
                database.insert_or_ignore(database.sessions),
                {"id": session, "created": now, "expires": now + LIFETIME},
            )

    @classmethod
    def _must_exist(cls, connection: Any, session: str) -> None:
        table = database.sessions
        cls._write_late(connection, session)
        if connection.execute(sa.select([table.c.id]).where(table.c.id == session)).first() is None:
            raise BadToken("This conversation no longer exists.")

    def accept(self, session: str, client_id: str) -> Tuple[bool, Optional[Dict[str, Any]]]:
        """Note that a message came, before it is answered: whether it is the first of its client
        id, and the turn if it was answered.

        Nothing of what the visitor said is kept yet. Raises BadToken when the conversation is gone.
        """
        with database.engine().begin() as connection:
            self._write_late(connection, session)
            if connection.execute(
                ACCEPT, {"session": session, "created": time.time(), "client_id": client_id}
            ).rowcount:
                return True, None
            self._must_exist(connection, session)
        return False, self.answered(session, client_id)

    def masked(self, turn: Dict[str, Any]) -> Dict[str, Any]:
        """A turn as it may be kept outside of the request that its details belong to."""
        return stored_message(None, turn, self._country())[1]

    def record(
        self, session: str, said: Optional[str], turn: Dict[str, Any], client_id: str
    ) -> Dict[str, Any]:
        """Keep what the visitor said and the turn that answered it, personal data masked; gives the
        turn that stands: the first one of this client id."""
        table, (said, kept) = database.turns, stored_message(said, turn, self._country())
        waiting = sa.and_(
            table.c.session == session, table.c.client_id == client_id, table.c.turn == ""
        )
        write = (
            table.update()
            .where(waiting)
            .values(visitor=said, turn=json.dumps(public(kept), ensure_ascii=False))
        )
        with database.engine().begin() as connection:
            written = connection.execute(write).rowcount
            # Answered by somebody else, erased, or never accepted because the database was away.
            if not written:
                self._must_exist(connection, session)
                connection.execute(
                    database.insert_or_ignore(table),
                    {
                        "session": session,
                        "created": time.time(),
                        "client_id": client_id,
                        "turn": "",
                    },
                )
                written = connection.execute(write).rowcount
            if written:
                self._keep_choices(connection, session, kept)
                return turn
        return self.answered(session, client_id) or turn

    @staticmethod
    def _keep_choices(connection: Any, session: str, turn: Dict[str, Any]) -> None:
        rows = [
            {
                "id": choice["id"],
                "session": session,
                "title": choice["title"],
                "meaning": json.dumps(choice.get("meaning") or {}),
            }
            for choice in turn.get("choices", [])
        ]
        if rows:
            connection.execute(database.insert_or_ignore(database.choices), rows)

    def answered(self, session: str, client_id: str) -> Optional[Dict[str, Any]]:
        """The turn that already answered the message with this client id."""
        table = database.turns
        query = sa.select([table.c.turn]).where(
            table.c.session == session, table.c.client_id == client_id, table.c.turn != ""
        )
        with database.engine().connect() as connection:
            row = connection.execute(query).first()
        return json.loads(row.turn) if row else None

    def choice(self, session: str, name: str) -> Optional[Dict[str, Any]]:
        """Title and meaning of a choice that this conversation was offered."""
        table = database.choices
        query = sa.select([table.c.title, table.c.meaning]).where(
            table.c.session == session, table.c.id == name
        )
        with database.engine().connect() as connection:
            row = connection.execute(query).first()
        return {"title": row.title, "meaning": json.loads(row.meaning)} if row else None

    def history(self, session: str) -> List[Dict[str, Any]]:
        """Everything said in a conversation, oldest first."""
        table, result = database.turns, []
        query = (
            sa.select([table.c.visitor, table.c.turn])
            .where(table.c.session == session, table.c.turn != "")
            .order_by(table.c.number)
        )
        with database.engine().connect() as connection:
            for row in connection.execute(query):
                if row.visitor is not None:
                    result.append({"from": "visitor", "text": row.visitor})
                result.append({"from": "assistant", "turn": json.loads(row.turn)})
        return result

    def has_turn(self, session: str, turn: str) -> bool:
        """Whether `turn` is the id of a turn of this conversation."""
        return any(
            item["turn"]["id"] == turn
            for item in self.history(session)
            if item["from"] == "assistant"
        )

    def vote(
        self, session: str, turn: str, topic: Optional[str], vote: str, comment: Optional[str]
    ) -> None:
        """Keep a thumb up or down, in place of an earlier one for the same turn and topic; the
        turn's first topic when none is named."""
        if topic is None:
            topics = next(
                (
                    item["turn"]["topics"]
                    for item in self.history(session)
                    if item["from"] == "assistant" and item["turn"]["id"] == turn
                ),
                [],
            )
            topic = topics[0] if topics else None
        table = database.feedback
        comment = redaction.redact(comment, self._country()) if comment else comment
        with database.engine().begin() as connection:
            connection.execute(
                table.delete().where(
                    table.c.session == session,
                    table.c.turn == turn,
                    table.c.topic.is_(None) if topic is None else table.c.topic == topic,
                )
            )
            connection.execute(
                database.feedback.insert().values(
                    session=session,
                    created=time.time(),
                    turn=turn,
                    topic=topic,
                    vote=vote,
                    comment=comment,
                )
            )

    def works(self) -> bool:
        """Whether the database answers and can be written: a full disk can be read."""
        table, now = database.schedule, time.time()
        try:
            with database.engine().begin() as connection:
                connection.execute(sa.select([sa.func.count()]).select_from(database.sessions))
                connection.execute(table.delete().where(table.c.task == "health"))
                connection.execute(table.insert().values(task="health", begun=now))
            return True
        except (database.StoreError, sa.exc.SQLAlchemyError):
            return False

    @staticmethod
    def delivered(session: str) -> Optional[str]:
        """When requests of this conversation reached the clinic: times in UTC (ISO 8601),
        comma-separated; None when none did."""
        times = [
            datetime.fromtimestamp(request["delivered"], timezone.utc).isoformat(timespec="seconds")
            for request in requests.of_session(session)
            if request["delivered"]
        ]
        return ", ".join(times) or None

    def erase(self, session: str, keep_token: bool = False) -> None:
        """Delete everything of one conversation; with `keep_token` the visitor can go on with a new
        one under the same token."""
        database.erase(session, keep_token)
