"""The action server of rasa-sdk with our actions, bound to loopback: `python -m assistant.action_server PORT`."""
import logging
import sys
import warnings


def main() -> None:
    import sanic.app  # noqa: F401 - its import switches deprecation warnings on for the whole process

    warnings.filterwarnings("ignore", category=DeprecationWarning)
    from rasa_sdk.endpoint import create_app

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    create_app("actions").run("127.0.0.1", int(sys.argv[1]), access_log=False, motd=False)


if __name__ == "__main__":
    main()
