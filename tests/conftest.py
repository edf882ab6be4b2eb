import os
import tarfile

import hypothesis
import pytest
from _pytest.runner import runtestprotocol

from assistant import launch

os.environ.update({key: os.environ.get(key, value) for key, value in launch.ENVIRONMENT.items()})

from assistant import database, knowledge
from assistant.understanding import lexicon
from assistant.understanding.encoder import Encoder
from assistant.understanding.model import TopicModel
from assistant.understanding.reader import Reader
from tests.evaluation import score
from tests.support import order
from tests.support.servers import Assistant, Visitor

#: The same examples at every run, whatever the machine does beside it; what they find becomes a
#: case of its own.
hypothesis.settings.register_profile("same", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("same")
#: Tests that really depend on time (a server that hangs, a lock that is renewed): these alone may
#: be tried a second time, and the run says which were.
MOST_REAL_TIME = 10
TRIED_AGAIN = "tried a second time"


@pytest.fixture(scope="session")
def kb():
    return knowledge.load()


@pytest.fixture(scope="session")
def parse():
    """Rasa's parse of a message by the trained model."""
    launch.train()
    return score.load_parser()


@pytest.fixture(scope="session")
def reader(tmp_path_factory):
    """The reader over the model as `make train` has written it."""
    launch.train()
    folder = tmp_path_factory.mktemp("model")
    with tarfile.open(launch.MODEL) as packed:
        packed.extractall(folder)
    largest = max(folder.rglob("examples.npz"), key=lambda path: path.stat().st_size)
    return Reader(Encoder.shared(), TopicModel.load(largest.parent), lexicon.shared())


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
    parser.addoption("--seed", help="files and their tests in an order of chance (make flaky)")


def pytest_report_header(config):
    seed = config.getoption("--seed")
    return f"in an order of chance: --seed {seed}" if seed else None


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if item.config.getoption("--no-skips") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.longrepr = f"skipped: {reason}"


def pytest_collection_modifyitems(config, items):
    seed = config.getoption("--seed")
    order.at_random(items, seed) if seed else order.longest_first(items)
    marked = [item.nodeid for item in items if item.get_closest_marker("real_time")]
    if len(marked) > MOST_REAL_TIME:
        raise pytest.UsageError(f"more than {MOST_REAL_TIME} tests are marked real_time: {marked}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    if not item.get_closest_marker("real_time"):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    if any(report.failed for report in reports):
        item._initrequest()
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        reports[-1].user_properties.append((TRIED_AGAIN, item.nodeid))
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_terminal_summary(terminalreporter):
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == TRIED_AGAIN:
                    terminalreporter.write_line(f"{TRIED_AGAIN}: {value}")
