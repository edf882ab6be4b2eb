"""What a visitor gets when something is broken: always a sentence, never silence or a stack trace."""
import os
import shutil
import socket
import subprocess
import sys
import threading

import pytest
import requests

from assistant import launch, paths
from tests.servers import Assistant, Visitor, end, spoken

pytestmark = pytest.mark.slow


@pytest.fixture
def start(tmp_path):
    """Starts an assistant of this test's own."""
    running = []

    def begin(**options):
        launch.train()
        running.append(Assistant(tmp_path, **options))
        return running[-1]

    yield begin
    for assistant in running:
        assistant.end()


def kind_and_phone(turn):
    assert turn["kind"] == "fallback" and "+44 20 7946 0958" in spoken(turn), turn


def test_the_action_server_stops_hangs_and_comes_back(start):
    assistant = start()
    assistant.wait()
    visitor = Visitor(assistant.url)
    assert visitor.say("does it hurt")["topics"] == ["pain"]

    end(assistant.actions)
    kind_and_phone(visitor.say("does it hurt"))
    health = requests.get(assistant.url + "/health", timeout=10)
    assert health.status_code == 503 and health.json()["actions"] == "down"
    assert requests.get(assistant.url + "/live", timeout=10).status_code == 200

    with socket.socket() as hung:  # accepts, never answers
        hung.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        hung.bind(("127.0.0.1", assistant.action_port))
        hung.listen(16)
        kind_and_phone(visitor.say("does it hurt"))

    assistant.actions = assistant.start_actions()
    assistant.wait()
    assert visitor.say("does it hurt")["topics"] == ["pain"]


def test_an_action_that_raises(start, tmp_path):
    """The knowledge base becomes unreadable before the action server has loaded it once."""
    knowledge = shutil.copytree(paths.KNOWLEDGE, tmp_path / "knowledge")
    assistant = start(actions=False, KNOWLEDGE_DIR=str(knowledge))
    assistant.wait("/live")
    visitor = Visitor(assistant.url)
    broken = knowledge / "treatment.yml"
    broken.write_text("topics: [", "utf-8")
    assistant.actions = assistant.start_actions()
    assistant.wait("/health")
    kind_and_phone(visitor.say("does it hurt"))


def test_a_broken_edit_keeps_the_last_good_version_and_is_reported(start, tmp_path):
    knowledge = shutil.copytree(paths.KNOWLEDGE, tmp_path / "knowledge")
    assistant = start(KNOWLEDGE_DIR=str(knowledge))
    assistant.wait()
    visitor = Visitor(assistant.url)
    before = spoken(visitor.say("does it hurt"))
    file = knowledge / "treatment.yml"
    good = file.read_text("utf-8")
    file.write_text(good.replace("follow_ups: [", "follow_ups: [typo, ", 1), "utf-8")
    threading.Event().wait(1.1)
    assert spoken(visitor.say("does it hurt")) == before
    assert "problem" in requests.get(assistant.url + "/health", timeout=10).json()["knowledge"]
    assert "`typo` is not in the topic files" in assistant.words()


def test_without_a_model_the_channel_says_so(start, tmp_path):
    broken = tmp_path / "assistant.tar.gz"
    broken.write_bytes(b"not a model")
    assistant = start(model=broken)
    assistant.wait("/health", 503)
    answer = Visitor(assistant.url).post("/messages", json={"text": "does it hurt"})
    assert answer.status_code == 503 and "no trained model" in answer.json()["detail"] and answer.headers["Retry-After"]
    assert requests.get(assistant.url + "/health", timeout=10).json()["model"] == "none"


def make_run(**environment):
    env = {**launch.environment(), "PORT": "0", **environment}
    return subprocess.run([sys.executable, "-m", "assistant.launch", "run"], cwd=paths.ROOT, env=env, capture_output=True, text=True, timeout=120)


def test_a_taken_port_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = make_run(PORT=str(port))
    assert done.returncode == 1 and f"port {port} is taken" in done.stderr and "Traceback" not in done.stderr


def test_a_wrong_store_path_is_named(tmp_path):
    file = tmp_path / "file"
    file.write_text("not a folder")
    done = make_run(ASSISTANT_STATE=str(file / "state"))
    assert done.returncode == 1 and "conversation store" in done.stderr and "ASSISTANT_STATE" in done.stderr and "Traceback" not in done.stderr


def test_a_missing_clinic_field_is_named(tmp_path):
    clinic = tmp_path / "clinic.yml"
    clinic.write_text("name: Test\ncountry: GB\n", "utf-8")
    done = make_run(CLINIC_FILE=str(clinic))
    assert done.returncode == 1 and "clinic.yml:1: `phone` is missing" in done.stderr and "Traceback" not in done.stderr


def test_failed_training_is_told(tmp_path):
    """A copy of the project with a broken rule: `make train` says that training failed, with Rasa's words."""
    copy = tmp_path / "copy"
    ignore = shutil.ignore_patterns(".venv", ".uv", ".git", ".rasa", "models", "var", "widget")
    shutil.copytree(paths.ROOT, copy, ignore=ignore)
    rules = copy / "data" / "rules.yml"
    rules.write_text(rules.read_text("utf-8").replace("action: action_answer", "akcion: action_answer", 1), "utf-8")
    done = subprocess.run([sys.executable, "-m", "assistant.launch", "train"], cwd=copy, env={**os.environ, **launch.ENVIRONMENT, "PYTHONPATH": str(copy)}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1 and "training failed" in done.stderr and "akcion" in done.stderr
