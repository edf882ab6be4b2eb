"""The action server of rasa-sdk with our actions and the outbox of requests to the clinic, bound to loopback: `python -m assistant.action_server PORT`."""
import logging
import sys
import warnings


def main() -> None:
    import sanic.app  # noqa: F401 - its import switches deprecation warnings on for the whole process

    warnings.filterwarnings("ignore", category=DeprecationWarning)
    from rasa_sdk.endpoint import create_app

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    app = create_app("actions")

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
