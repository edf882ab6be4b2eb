"""What the Rasa process holds once: the live knowledge base."""
import functools
import logging

from assistant.knowledge import LiveKnowledge

logger = logging.getLogger(__name__)


def report(problems) -> None:
    """Log what is wrong with an edit of the knowledge base; the last good version stays in use."""
    for problem in problems:
        logger.error("the last good version stays in use: %s", problem)


@functools.lru_cache(maxsize=None)
def live_knowledge() -> LiveKnowledge:
    """The knowledge base of this process. Raises ContentError when it does not validate at first loading."""
    return LiveKnowledge(report=report)
