"""docs/security.md keeps its word: dependencies, secrets, the action server, Rasa's own API."""

import ast
import json
import re
import socket
import subprocess
import sys

import pytest
import requests

from assistant import paths, webstore
from tests.servers import Visitor

DOC = (paths.ROOT / "docs" / "security.md").read_text("utf-8")


def named(requirement):
    return re.split(r"[<>=!\[; ]", requirement.strip(), maxsplit=1)[0].lower()


def listed(heading):
    """The names in the table under a heading that begins so, each with reason and rights."""
    table = DOC.split(f"### {heading}", 1)[1].split("\n### ", 1)[0]
    return {
        name.lower() for name in re.findall(r"^\| ([\w.-]+) \| [^|]{3,} \| [^|]+ \|$", table, re.M)
    } - {"package", "program"}


#: Modules whose package has another name.
PACKAGES = {
    "jwt": "pyjwt",
    "psycopg2": "psycopg2-binary",
    "ruamel": "ruamel.yaml",
    "sklearn": "scikit-learn",
    "spellchecker": "pyspellchecker",
    "stdnum": "python-stdnum",
    "yaml": "pyyaml",
}


def imported():
    """The packages that the sources import, by their names in a package registry."""
    own, found = {"assistant", "actions", "benchmarks", "tests"}, set()
    for folder in (*own, "scripts"):
        for file in (paths.ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                names = (
                    [name.name for name in node.names]
                    if isinstance(node, ast.Import)
                    else (
                        [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
                    )
                )
                found |= {name.split(".")[0] for name in names}
    return {
        PACKAGES.get(name, name.replace("_", "-"))
        for name in found - own - set(sys.stdlib_module_names)
    }


def test_every_dependency_has_its_reason():
    asked = {
        named(line)
        for line in (paths.ROOT / "requirements.in").read_text("utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    }
    assert listed("Asked for") == asked
    assert listed("Imported too") == imported() - asked
    widget = json.loads((paths.ROOT / "widget" / "package.json").read_text("utf-8"))
    assert listed("In the widget") == {*widget["dependencies"], *widget["devDependencies"]}
    assert listed("Programs of a cluster") == {"nginx", "postgresql", "redis"}


def test_every_package_is_pinned_with_checksums():
    lock = (paths.ROOT / "requirements.lock").read_text("utf-8")
    packages = re.findall(
        r"^([\w.-]+)(==[^ ]+)?(?:\s*;[^\\\n]*)? ?(\\)?\n((?:    --hash=sha256:[0-9a-f]{64}["
        r" \\]*\n)*)",
        lock,
        re.M,
    )
    assert (
        len(packages) > 100
        and [name for name, version, _, hashes in packages if not version or not hashes] == []
    )


def test_every_test_that_the_page_names_exists():
    for name in set(re.findall(r"`(tests/[\w.]+)`", DOC)):
        assert (paths.ROOT / name).is_file(), name


def test_git_tracks_no_secret():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=paths.ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert (
        tracked
        and [
            name
            for name in tracked
            if name.startswith("var/") or name.endswith((".env", "/secret", ".pem", ".key"))
        ]
        == []
    )
    for name in ("var/secret", ".env"):
        assert (
            subprocess.run(["git", "check-ignore", "-q", name], cwd=paths.ROOT).returncode == 0
        ), f"{name} is not ignored"


#: What a secret looks like in a file; the words that stand for one in documentation, code and
#: tests.
SECRETS = (
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    r"\bAKIA[0-9A-Z]{16}\b",
    r"\bgh[pousr]_[A-Za-z0-9]{36}",
    r"\bgithub_pat_\w{40,}",
    r"\bglpat-[\w-]{20}",
    r"\bxox[abprs]-[\w-]{10,}",
    r"\bAIza[\w-]{35}",
    r"\bsk_live_\w{20,}",
    r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",
    r"(?i)\b[a-z]+://[^\s/:@'\"`]*:(?P<url>[^\s/:@'\"`]+)@",
    r"(?im)^[^\n]*\b(?:password|passwd|secret|api_?key|"
    r"access_?token)\b[\"']?\s*[:=]\s*[\"']?(?P<given>[A-Za-z0-9+/_-]{20,})[\"']?\s*(?:#.*)?$",
)
STAND_INS = re.compile(r"password|secret|\{.*\}|\$.*|…|\.\.\.")


def secrets_in(text):
    """What looks like a secret."""
    found = [match for pattern in SECRETS for match in re.finditer(pattern, text)]
    return [
        match.group()[:60]
        for match in found
        if not STAND_INS.fullmatch(
            next((value for value in match.groupdict().values() if value), "x")
        )
    ]


def test_git_tracks_no_secret_in_any_file():
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=paths.ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    files = [paths.ROOT / name for name in tracked if name]
    found = {
        str(file): secrets_in(file.read_bytes().decode("utf-8", "replace"))
        for file in files
        if file.is_file() and file.stat().st_size < 2_000_000
    }
    assert len(found) > 100 and {name: secrets for name, secrets in found.items() if secrets} == {}


@pytest.mark.parametrize(
    "parts",
    [
        ("-----BEGIN RSA PRIVATE", " KEY-----"),
        ("AKIA", "IOSFODNN7EXAMPLE"),
        ("ghp_", "a1" * 18),
        ("postgresql://assistant:", "tr0ub4dor@db.example/x"),
        ("redis://:", "hunter2@127.0.0.1"),
        ("ASSISTANT_SECRET: x\npassword = '", "kq3vXw9TzL0b7PnR2sYd'"),
        ("eyJhbGciOiJI", "UzI1NiJ9.eyJzdWIiOiIxMjM0NTYifQ.c2lnbmF0dXJlLi4u"),
    ],
)
def test_a_secret_in_a_file_is_found(parts):
    assert secrets_in("some text\n" + "".join(parts) + "\nmore") and not secrets_in(
        "url = 'redis://:password@host' + f'{secret}'\nsecret: ${SECRET}\n"
    )


def test_the_secret_is_readable_by_its_owner_only(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSISTANT_STATE", str(tmp_path))
    monkeypatch.delenv("ASSISTANT_SECRET", raising=False)
    assert len(webstore.secret()) >= 48 and (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_the_action_server_refuses_whoever_is_not_its_rasa(assistant):
    address = f"http://127.0.0.1:{assistant.action_port}"
    for headers in ({}, {"X-Assistant-Key": "guess"}, {"X-Assistant-Key": ""}):
        for path in ("/webhook", "/actions"):
            assert (
                requests.request(
                    "GET" if path == "/actions" else "POST",
                    address + path,
                    json={} if path == "/webhook" else None,
                    headers=headers,
                    timeout=30,
                ).status_code
                == 401
            )
    assert requests.get(address + "/health", timeout=30).json() == {"status": "ok"}


def own_addresses():
    """Addresses of this machine other than loopback."""
    try:
        found = {
            info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
        }
    except OSError:
        found = set()
    return sorted(address for address in found if not address.startswith("127."))


def test_the_action_server_listens_on_loopback_alone(assistant):
    with open("/proc/net/tcp", encoding="ascii") as table:
        listening = [line.split()[1] for line in table if line.split()[3] == "0A"]
    at = [
        address.split(":")[0]
        for address in listening
        if int(address.split(":")[1], 16) == assistant.action_port
    ]
    assert at == ["0100007F"], "127.0.0.1 as the kernel writes it"
    for address in own_addresses():
        with pytest.raises(OSError):
            socket.create_connection((address, assistant.action_port), timeout=2).close()


@pytest.mark.parametrize(
    "path",
    [
        "/conversations/x/tracker",
        "/conversations/x/messages",
        "/model",
        "/model/parse",
        "/model/train",
        "/domain",
        "/status",
        "/webhooks/rest/webhook",
        "/webhooks/callback/webhook",
    ],
)
def test_rasas_own_api_is_off(assistant, path):
    address = f"http://127.0.0.1:{assistant.port}{path}"
    for answer in (requests.get(address, timeout=30), requests.post(address, json={}, timeout=30)):
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
    said = requests.get(assistant.url + "/messages", headers=visitor.headers, timeout=30).json()[
        "turns"
    ]
    assert [turn["text"] for turn in said if turn["from"] == "visitor"] == [bad]
