"""docs/security.md keeps its word: dependencies, secrets, the action server, Rasa's own API."""
import re
import socket
import subprocess

import pytest
import requests

from assistant import paths, webstore
from tests.servers import Visitor

DOC = (paths.ROOT / "docs" / "security.md").read_text("utf-8")


def named(requirement):
    return re.split(r"[<>=!\[; ]", requirement.strip(), maxsplit=1)[0].lower()


def test_every_dependency_has_its_reason():
    asked = {named(line) for line in (paths.ROOT / "requirements.in").read_text("utf-8").splitlines() if line.strip() and not line.startswith("#")}
    table = DOC.split("## Dependencies", 1)[1]
    written = {name.lower() for name in re.findall(r"^\| ([\w.-]+) \| [^|]{4,} \| [^|]{4,} \|$", table, re.M)} - {"package"}
    assert written == asked


def test_every_package_is_pinned_with_checksums():
    lock = (paths.ROOT / "requirements.lock").read_text("utf-8")
    packages = re.findall(r"^([\w.-]+)(==[^ ]+)?(?:\s*;[^\\\n]*)? ?(\\)?\n((?:    --hash=sha256:[0-9a-f]{64}[ \\]*\n)*)", lock, re.M)
    assert len(packages) > 100 and [name for name, version, _, hashes in packages if not version or not hashes] == []


def test_every_test_that_the_page_names_exists():
    for name in set(re.findall(r"`(tests/[\w.]+)`", DOC)):
        assert (paths.ROOT / name).is_file(), name


def test_git_tracks_no_secret():
    tracked = subprocess.run(["git", "ls-files"], cwd=paths.ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert tracked and [name for name in tracked if name.startswith("var/") or name.endswith((".env", "/secret", ".pem", ".key"))] == []
    for name in ("var/secret", ".env"):
        assert subprocess.run(["git", "check-ignore", "-q", name], cwd=paths.ROOT).returncode == 0, f"{name} is not ignored"


def test_the_secret_is_readable_by_its_owner_only(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSISTANT_STATE", str(tmp_path))
    monkeypatch.delenv("ASSISTANT_SECRET", raising=False)
    assert len(webstore.secret()) >= 48 and (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_the_action_server_refuses_whoever_is_not_its_rasa(assistant):
    address = f"http://127.0.0.1:{assistant.action_port}"
    for headers in ({}, {"X-Assistant-Key": "guess"}, {"X-Assistant-Key": ""}):
        for path in ("/webhook", "/actions"):
            assert requests.request("GET" if path == "/actions" else "POST", address + path, json={} if path == "/webhook" else None, headers=headers, timeout=10).status_code == 401
    assert requests.get(address + "/health", timeout=10).json() == {"status": "ok"}


def own_addresses():
    """Addresses of this machine other than loopback."""
    try:
        found = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    except OSError:
        found = set()
    return sorted(address for address in found if not address.startswith("127."))


def test_the_action_server_listens_on_loopback_alone(assistant):
    with open("/proc/net/tcp", encoding="ascii") as table:
        listening = [line.split()[1] for line in table if line.split()[3] == "0A"]
    at = [address.split(":")[0] for address in listening if int(address.split(":")[1], 16) == assistant.action_port]
    assert at == ["0100007F"], "127.0.0.1 as the kernel writes it"
    for address in own_addresses():
        with pytest.raises(OSError):
            socket.create_connection((address, assistant.action_port), timeout=2).close()


@pytest.mark.parametrize("path", ["/conversations/x/tracker", "/conversations/x/messages", "/model", "/model/parse", "/model/train", "/domain", "/status", "/webhooks/rest/webhook", "/webhooks/callback/webhook"])
def test_rasas_own_api_is_off(assistant, path):
    address = f"http://127.0.0.1:{assistant.port}{path}"
    for answer in (requests.get(address, timeout=10), requests.post(address, json={}, timeout=10)):
        assert answer.status_code in (404, 405), f"{path}: {answer.status_code}"


def test_nothing_starts_rasa_with_its_api():
    for folder in ("assistant", "deploy", "scripts"):
        for file in (paths.ROOT / folder).rglob("*"):
            if file.is_file() and file.suffix != ".pyc":
                assert "--enable-api" not in file.read_text("utf-8", "replace"), file
    credentials = (paths.ROOT / "credentials.yml").read_text("utf-8")
    assert re.findall(r"^([\w.]+):", credentials, re.M) == ["assistant.rasa.web.WebInput"]


def test_sql_in_a_message_is_a_message(assistant):
    visitor, bad = Visitor(assistant.url), "'; DROP TABLE web_turns; --"
    visitor.say(bad, client_id=bad)
    assert visitor.post("/messages", json={"choice": bad}).status_code == 400
    said = requests.get(assistant.url + "/messages", headers=visitor.headers, timeout=10).json()["turns"]
    assert [turn["text"] for turn in said if turn["from"] == "visitor"] == [bad]
