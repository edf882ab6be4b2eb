"""What git tracks."""

import re
import subprocess

import pytest

from assistant import paths


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
