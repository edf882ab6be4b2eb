"""The cluster's logs are set aside by size and by age, while their programs go on writing, and
forgotten in the end."""

import os
import subprocess
import sys
import time

from assistant.cluster import logs

DAY = 86400.0


def names(folder):
    return sorted(file.name for file in folder.iterdir() if not file.name.startswith("logrotate."))


def rotate(folder):
    assert logs.rotate(folder, [f"{folder}/*.log", f"{folder}/not-there.log"]) == ""


def days_pass(folder, days):
    """All that is here becomes so many days older: files by their time, what logrotate remembers by
    the day that it wrote down."""
    for file in folder.iterdir():
        when = file.stat().st_mtime - days * DAY
        os.utime(file, (when, when))
    state = folder / "logrotate.state"
    lines = state.read_text("utf-8").splitlines()
    then = time.strftime("%Y-%m-%d-12:0:0", time.localtime(time.time() - days * DAY))
    assert len(lines) > 1
    state.write_text(
        "\n".join([lines[0], *(f"{line.rsplit(' ', 1)[0]} {then}" for line in lines[1:])]) + "\n",
        "utf-8",
    )


def test_a_log_that_is_too_long_is_set_aside_under_its_writer(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "MOST_SIZE", "100")
    log = tmp_path / "worker-1.log"
    with log.open("ab") as out:
        writer = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import sys; [print(sys.stdin.readline().strip(), flush=True) for _ in range(2)]",
            ],
            stdin=subprocess.PIPE,
            stdout=out,
            text=True,
        )
    log.chmod(0o600)
    log.write_bytes(b"x" * 101)
    rotate(tmp_path)
    aside = tmp_path / "worker-1.log.1"
    assert (
        log.stat().st_size == 0
        and aside.read_bytes() == b"x" * 101
        and aside.stat().st_mode & 0o777 == 0o600
    )
    writer.communicate("one\ntwo\n")
    assert log.read_text("ascii") == "one\ntwo\n", "it appends: nothing is written behind a hole"
    rotate(tmp_path)
    assert names(tmp_path) == ["worker-1.log", "worker-1.log.1"], "short and young"


def test_a_log_is_set_aside_once_a_day_and_deleted_after_two_weeks(tmp_path):
    log = tmp_path / "nginx.log"
    log.write_text("first\n", "ascii")
    rotate(tmp_path)
    assert names(tmp_path) == ["nginx.log"]
    days_pass(tmp_path, 1)
    rotate(tmp_path)
    assert (
        names(tmp_path) == ["nginx.log", "nginx.log.1"]
        and log.stat().st_size == 0
        and (tmp_path / "nginx.log.1").read_text("ascii") == "first\n"
    )
    for _ in range(13):
        days_pass(tmp_path, 1)
        rotate(tmp_path)
    assert any(file.read_text("ascii") == "first\n" for file in tmp_path.glob("nginx.log.*")), (
        "13 days old"
    )
    for _ in range(2):
        days_pass(tmp_path, 1)
        rotate(tmp_path)
    assert not any(file.read_text("ascii") for file in tmp_path.glob("nginx.log*")), (
        "gone, although the program wrote nothing since"
    )


def test_a_log_that_floods_keeps_its_newest_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "MOST_SIZE", "10")
    monkeypatch.setattr(logs, "MOST_KEPT", 3)
    log = tmp_path / "redis.log"
    for number in range(6):
        log.write_text(f"{number}" * 11, "ascii")
        rotate(tmp_path)
    assert names(tmp_path) == ["redis.log", *(f"redis.log.{place}" for place in (1, 2, 3))]
    assert [(tmp_path / f"redis.log.{place}").read_text("ascii")[0] for place in (1, 2, 3)] == [
        "5",
        "4",
        "3",
    ]


def test_what_logrotate_complains_of_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "MOST_SIZE", "much")
    (tmp_path / "redis.log").write_text("x", "ascii")
    assert "logrotate.conf:3" in logs.rotate(tmp_path, [f"{tmp_path}/*.log"])
    monkeypatch.setattr(logs, "find", lambda program: str(tmp_path / "not-there"))
    assert "not-there" in logs.rotate(tmp_path, [f"{tmp_path}/*.log"])
