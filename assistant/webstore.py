"""What the website channel keeps: signed tokens, turns, choices, feedback."""
import json
import os
import secrets
import time
from typing import Any, Dict, List, Optional, Tuple

import jwt
import sqlalchemy as sa

from assistant import database, paths
from assistant.turn import public

#: Seconds for which a conversation's token is good.
LIFETIME = 24 * 3600
ALGORITHM = "HS256"


class BadToken(Exception):
    """The token is missing, forged, expired, or its conversation is gone."""


def secret() -> str:
    """The signing secret: ASSISTANT_SECRET, or one that is made once in the state folder, readable by its owner only."""
    given = os.environ.get("ASSISTANT_SECRET")
    if given:
        return given
    path = paths.state_folder() / "secret"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as handle:
            handle.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return path.read_text("ascii")


class WebStore:
    """Sessions, turns, choices and feedback in assistant.database."""

    def __init__(self) -> None:
        self._secret = None

    def _key(self) -> str:
        self._secret = self._secret or secret()
        return self._secret

    def open(self, turn: Dict[str, Any]) -> Tuple[str, str, int]:
        """A new conversation with its greeting: its id, its token, the token's lifetime in seconds."""
        session, now = secrets.token_hex(16), time.time()
        token = jwt.encode({"sub": session, "iat": int(now), "exp": int(now) + LIFETIME}, self._key(), ALGORITHM)
        with database.engine().begin() as connection:
            connection.execute(database.sessions.insert().values(id=session, created=now, expires=now + LIFETIME))
            self._record(connection, session, None, turn, None)
        return session, token, LIFETIME

    def session_of(self, token: str) -> str:
        """The conversation of a token. Raises BadToken."""
        try:
            claims = jwt.decode(token, self._key(), [ALGORITHM], options={"require": ["sub", "exp"]})
        except jwt.ExpiredSignatureError:
            raise BadToken("This conversation has expired. Open a new one.") from None
        except jwt.InvalidTokenError:
            raise BadToken("The token is not valid.") from None
        table = database.sessions
        with database.engine().connect() as connection:
            found = connection.execute(sa.select([table.c.id]).where(table.c.id == claims["sub"])).first()
        if found is None:
            raise BadToken("This conversation no longer exists.")
        return claims["sub"]

    def record(self, session: str, said: Optional[str], turn: Dict[str, Any], client_id: Optional[str]) -> None:
        """Keep what the visitor said, the turn that answered it, and what its choices mean."""
        with database.engine().begin() as connection:
            self._record(connection, session, said, turn, client_id)

    @staticmethod
    def _record(connection: Any, session: str, said: Optional[str], turn: Dict[str, Any], client_id: Optional[str]) -> None:
        connection.execute(database.turns.insert().values(
            session=session, created=time.time(), client_id=client_id, visitor=said, turn=json.dumps(public(turn), ensure_ascii=False)))
        for choice in turn.get("choices", []):
            connection.execute(database.choices.insert().prefix_with("OR REPLACE").values(
                id=choice["id"], session=session, title=choice["title"], meaning=json.dumps(choice.get("meaning") or {})))

    def answered(self, session: str, client_id: str) -> Optional[Dict[str, Any]]:
        """The turn that already answered the message with this client id."""
        table = database.turns
        query = sa.select([table.c.turn]).where(table.c.session == session, table.c.client_id == client_id)
        with database.engine().connect() as connection:
            row = connection.execute(query).first()
        return json.loads(row.turn) if row else None

    def choice(self, session: str, name: str) -> Optional[Dict[str, Any]]:
        """Title and meaning of a choice that this conversation was offered."""
        table = database.choices
        query = sa.select([table.c.title, table.c.meaning]).where(table.c.session == session, table.c.id == name)
        with database.engine().connect() as connection:
            row = connection.execute(query).first()
        return {"title": row.title, "meaning": json.loads(row.meaning)} if row else None

    def history(self, session: str) -> List[Dict[str, Any]]:
        """Everything said in a conversation, oldest first."""
        table, result = database.turns, []
        query = sa.select([table.c.visitor, table.c.turn]).where(table.c.session == session).order_by(table.c.number)
        with database.engine().connect() as connection:
            for row in connection.execute(query):
                if row.visitor is not None:
                    result.append({"from": "visitor", "text": row.visitor})
                result.append({"from": "assistant", "turn": json.loads(row.turn)})
        return result

    def has_turn(self, session: str, turn: str) -> bool:
        """Whether `turn` is the id of a turn of this conversation."""
        return any(item["turn"]["id"] == turn for item in self.history(session) if item["from"] == "assistant")

    def vote(self, session: str, turn: str, topic: Optional[str], vote: str, comment: Optional[str]) -> None:
        """Keep a thumb up or down in place of an earlier one for the same turn."""
        table = database.feedback
        with database.engine().begin() as connection:
            connection.execute(table.delete().where(table.c.session == session, table.c.turn == turn))
            connection.execute(table.insert().values(
                session=session, created=time.time(), turn=turn, topic=topic, vote=vote, comment=comment))

    def works(self) -> bool:
        """Whether the database answers."""
        try:
            with database.engine().connect() as connection:
                connection.execute(sa.select([sa.func.count()]).select_from(database.sessions))
            return True
        except (database.StoreError, sa.exc.SQLAlchemyError):
            return False

    def erase(self, session: str) -> None:
        """Delete everything of one conversation."""
        database.erase(session)
