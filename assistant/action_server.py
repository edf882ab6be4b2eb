"""The action server of rasa-sdk with our actions and the outbox of requests to the clinic, bound to
loopback: `python -m assistant.action_server PORT`."""

import hmac
import os
import sys
import warnings
from typing import Any, Optional


async def only_rasa(request: Any) -> Optional[Any]:
    """Refuse whoever does not show the key that Rasa shows (assistant.rasa.patches); the health
    call says nothing of anybody."""
    from sanic.response import json

    from assistant.webstore import action_key

    given = request.headers.get("x-assistant-key") or ""
    key = given.encode("utf-8", "surrogateescape")
    if request.path == "/health" or hmac.compare_digest(key, action_key().encode()):
        return None
    return json({"error": "this action server answers its own Rasa server only"}, 401)


def main() -> None:
    # Imported first: its import switches deprecation warnings on for the whole process.
    import sanic.app  # noqa: F401

    warnings.filterwarnings("ignore", category=DeprecationWarning)
    from rasa_sdk.endpoint import create_app

    from assistant import http_edge, logs, webstore

    os.umask(0o077)
    try:
        webstore.action_key()
    except (webstore.WeakSecret, OSError) as error:
        sys.exit(f"!! {error}")
    logs.configure("actions")
    app = create_app("actions")
    logs.configure("actions")  # the actions' imports brought loggers of their own
    app.register_middleware(only_rasa, "request")
    http_edge.strict_chunks()
    app.signal(http_edge.SIGNAL)(http_edge.refuse_malformed)

    @app.listener("after_server_start")
    async def deliver_requests(app, _loop) -> None:
        from actions.answer import ActionAnswer
        from assistant.handoff.outbox import Outbox

        app.ctx.outbox = Outbox(lambda: ActionAnswer.knowledge().clinic).start()

    @app.listener("before_server_stop")
    async def stop_delivering(app, _loop) -> None:
        app.ctx.outbox.stop()

    app.run("127.0.0.1", int(sys.argv[1]), access_log=False, motd=False)


if __name__ == "__main__":
    main()
