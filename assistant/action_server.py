"""The action server of rasa-sdk with our actions, bound to loopback: `python -m assistant.action_server PORT`."""
import logging
import sys

from rasa_sdk.endpoint import create_app


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    create_app("actions").run("127.0.0.1", int(sys.argv[1]), access_log=False, motd=False)


if __name__ == "__main__":
    main()
