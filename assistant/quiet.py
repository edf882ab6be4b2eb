"""Logging of Rasa used as a library: structlog prints every debug event, visitors' words included, until it is configured."""
import logging
import warnings


def configure() -> None:
    """Warnings and errors only. Call it before anything else of Rasa is imported."""
    import sanic.app  # noqa: F401 - its import switches deprecation warnings on for the whole process

    warnings.filterwarnings("ignore")
    from rasa.utils.log_utils import configure_structlog

    configure_structlog(logging.WARNING)
    logging.getLogger("rasa").setLevel(logging.WARNING)
