"""What the health answer says of the action server and of deliveries."""

import asyncio
import http.server
import json
import threading
import time
from types import SimpleNamespace

import pytest

from assistant import database
from assistant.handoff import requests
from assistant.rasa import web
from assistant.webstore import action_key


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSISTANT_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("ASSISTANT_DATABASE_URL", raising=False)
    monkeypatch.delenv("ASSISTANT_SECRET", raising=False)
    database.engine.cache_clear()
    yield
    database.engine().dispose()
    database.engine.cache_clear()


@pytest.fixture
def server(state):
    """An action server that gives the actions in `names` to whoever shows the key in `key`."""
    said = SimpleNamespace(key=action_key(), names=["action_answer"])

    class Actions(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            allowed = said.key is None or self.headers["X-Assistant-Key"] == said.key
            self.send_response(200 if allowed else 401)
            self.end_headers()
            self.wfile.write(json.dumps([{"name": name} for name in said.names]).encode())

        def log_message(self, *_):
            pass

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Actions)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    said.url = f"http://127.0.0.1:{listening.server_port}/webhook"
    yield said
    listening.shutdown()
    listening.server_close()


def told(url):
    owner = next(c for c in vars(web).values() if hasattr(c, "actions_state"))
    agent = SimpleNamespace(action_endpoint=SimpleNamespace(url=url))
    return asyncio.run(owner.actions_state(agent))


def test_the_action_server_must_take_our_key_and_have_our_action(server):
    assert told(server.url) == "ok"
    server.key = "of somebody else"
    assert told(server.url) == web.OTHER_KEY
    server.key, server.names = None, ["action_of_another_bot"]
    assert told(server.url) == "another server's actions"


def test_no_action_server_is_down(state):
    assert told("http://127.0.0.1:1/webhook") == "down"


def test_a_refused_delivery_counts_at_once(state):
    table, now = database.contact_outbox, time.time()
    row = {"id": "one", "request": "r", "session": "s", "created": now, "next_try": now}
    with database.engine().begin() as connection:
        connection.execute(table.insert(), row)
    assert requests.waiting(300) == 0
    with database.engine().begin() as connection:
        connection.execute(table.update().values(problem="the mail server refused it"))
    assert requests.waiting(300) == 1
