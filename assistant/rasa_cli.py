"""Rasa's own command line, without TensorFlow (assistant.rasa.standin) and without the warnings
that its dependencies print at every start: `python -m assistant.rasa_cli run ...`.

Sanic switches deprecation warnings on for the whole process when it is imported; here it is
imported first and they are switched off again, so that what is printed is about this project.
"""

import argparse
import os
import sys
import warnings
from pathlib import Path

from assistant.rasa import standin


def main() -> None:
    import sanic.app  # noqa: F401 - its import sets a filter, which the next lines take back

    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings(
        "ignore", message="Slot auto-fill has been removed", category=UserWarning
    )
    try:
        for config in configs():
            standin.install(config)
    except standin.TensorFlowLeftOut as error:
        sys.exit(f"!! {error}")
    import rasa.__main__ as rasa_main

    # Installs the patches before training data is read; config.yml brings them only after that.
    from assistant.rasa import patches  # noqa: F401

    # The server meets visitors: from here on nothing that they say is logged.
    if sys.argv[1:2] == ["run"]:
        from assistant import logs

        os.umask(0o077)
        rasa_main.configure_structlog = lambda _level: logs.configure("rasa")
    rasa_main.main()


def configs() -> list[Path]:
    """The configuration files that the command line names, or config.yml."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-c", "--config", nargs="+", type=Path, default=[Path("config.yml")])
    return parser.parse_known_args()[0].config


if __name__ == "__main__":
    main()
