import os

import pytest

from assistant import launch

os.environ.update({key: os.environ.get(key, value) for key, value in launch.ENVIRONMENT.items()})

from assistant import knowledge  # noqa: E402
from tests.servers import Assistant, Visitor  # noqa: E402


@pytest.fixture(scope="session")
def kb():
    return knowledge.load()


@pytest.fixture(scope="session")
def assistant(tmp_path_factory):
    launch.train()
    running = Assistant(tmp_path_factory.mktemp("assistant"))
    try:
        yield running.wait()
    finally:
        running.end()


@pytest.fixture
def visitor(assistant):
    return Visitor(assistant.url)
