import os

import pytest

from assistant import launch

os.environ.update({key: os.environ.get(key, value) for key, value in launch.ENVIRONMENT.items()})

from assistant import database, knowledge
from tests.evaluation import score
from tests.support.servers import Assistant, Visitor


@pytest.fixture(scope="session")
def kb():
    return knowledge.load()


@pytest.fixture(scope="session")
def parse():
    """Rasa's parse of a message by the trained model."""
    launch.train()
    return score.load_parser()


@pytest.fixture(scope="session")
def triage(parse):
    """Triage as the assistant does it once Rasa has loaded the trained model."""
    from assistant.rasa import runtime

    return runtime.triage()


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


@pytest.fixture
def state(tmp_path, monkeypatch):
    """A state folder and database of this test's own."""
    monkeypatch.setenv("ASSISTANT_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("ASSISTANT_DATABASE_URL", raising=False)
    database.engine.cache_clear()
    yield tmp_path / "state"
    database.engine().dispose()
    database.engine.cache_clear()


def pytest_addoption(parser):
    parser.addoption("--no-skips", action="store_true", help="a skipped test is a failure (CI)")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if item.config.getoption("--no-skips") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.longrepr = f"skipped: {reason}"
