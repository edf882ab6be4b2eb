"""Rasa used as a library: without TensorFlow, and with its logging tamed (structlog prints every
debug event, visitors' words included, until it is configured)."""

import logging
import warnings

from assistant import paths
from assistant.rasa import standin


def configure() -> None:
    """Warnings and errors only, no TensorFlow. Call it before anything of Rasa is imported. Raises
    TensorFlowLeftOut when config.yml needs it."""
    standin.install(paths.ROOT / "config.yml")
    # Imported first: its import switches deprecation warnings on for the whole process.
    import sanic.app  # noqa: F401

    warnings.filterwarnings("ignore")
    from rasa.utils.log_utils import configure_structlog

    configure_structlog(logging.WARNING)
    logging.getLogger("rasa").setLevel(logging.WARNING)
