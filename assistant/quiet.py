"""Logging of Rasa used as a library: structlog prints every debug event, visitors' words included, until it is configured."""
import logging
import warnings


def configure() -> None:
    """Warnings and errors only."""
    from rasa.utils.log_utils import configure_structlog

    warnings.filterwarnings("ignore")
    configure_structlog(logging.WARNING)
    logging.getLogger("rasa").setLevel(logging.WARNING)
