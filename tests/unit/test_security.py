"""docs/security.md keeps its word: dependencies, secrets, the action server, Rasa's own API."""

import ast
import json
import os
import re
import sys

import pytest

from assistant import database, http_edge, paths, webstore

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
    "_pytest": "pytest",
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
    for name in set(re.findall(r"`(tests/[\w./]+\.\w+)`", DOC)):
        assert (paths.ROOT / name).is_file(), name


def test_the_secret_is_readable_by_its_owner_only(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSISTANT_STATE", str(tmp_path))
    monkeypatch.delenv("ASSISTANT_SECRET", raising=False)
    assert len(webstore.secret()) >= 48 and (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("guessable", ["a", "password", "x" * 31, "ab" * 40, "é" * 20])
def test_a_secret_that_can_be_guessed_is_refused(tmp_path, monkeypatch, guessable):
    monkeypatch.setenv("ASSISTANT_STATE", str(tmp_path))
    monkeypatch.setenv("ASSISTANT_SECRET", guessable)
    with pytest.raises(webstore.WeakSecret, match="openssl rand"):
        webstore.WebStore().check_secret()
    monkeypatch.delenv("ASSISTANT_SECRET")
    (tmp_path / "secret").write_text("short")
    with pytest.raises(webstore.WeakSecret):
        webstore.secret()


def test_every_file_of_the_store_is_readable_by_its_owner_only(tmp_path, monkeypatch):
    """Whatever the umask; one that was made otherwise is closed at the next start."""
    before = os.umask(0)
    try:
        file = tmp_path / "new" / "assistant.sqlite"
        for _ in range(2):
            engine = database.connect(file)
            with engine.begin() as connection:
                connection.execute(database.schedule.delete())
                modes = {
                    f.name: f.stat().st_mode & 0o77 for f in file.parent.glob("assistant.sqlite*")
                }
            assert len(modes) >= 3 and not any(modes[f.name] for f in file.parent.glob("*.sqlite*"))
            assert not file.parent.stat().st_mode & 0o77
            engine.dispose()
            file.chmod(0o644)
    finally:
        os.umask(before)


def test_nothing_starts_rasa_with_its_api():
    for folder in ("assistant", "deploy", "scripts"):
        for file in (paths.ROOT / folder).rglob("*"):
            if file.is_file() and file.suffix != ".pyc":
                assert "--enable-api" not in file.read_text("utf-8", "replace"), file
    credentials = (paths.ROOT / "credentials.yml").read_text("utf-8")
    assert re.findall(r"^([\w.]+):", credentials, re.M) == ["assistant.rasa.web.WebInput"]


def test_sanic_sizes_are_whole_numbers():
    """Sanic asks whether the status of an answer is an `int`, by the same name."""
    assert isinstance(200, http_edge.Size) and not isinstance("200", http_edge.Size)
    assert (http_edge.Size("1f", 16), http_edge.Size("12"), http_edge.Size(7)) == (31, 12, 7)
    for text in ("+5", "1_0", "0x5", ""):
        with pytest.raises(ValueError):
            http_edge.Size(text, 16)
