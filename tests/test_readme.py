"""Every command of the README works, and every path it names exists."""

import re
import subprocess

import pytest

from assistant import launch, paths

README = (paths.ROOT / "README.md").read_text("utf-8")
TARGETS = sorted(set(re.findall(r"(?:`|^)make ([a-z-]+)", README, re.M)))
#: Targets that other tests run for real: `run` and `shell` in test_commands, `test` is this run,
#: `widget` in tests/widget/test_build.py, which builds without writing, `bench` and
#: `bench-understanding` in test_benchmarks, in small, the rest in test_stores and
#: cluster/test_cluster.
ELSEWHERE = {
    "run",
    "shell",
    "test",
    "widget",
    "bench",
    "bench-understanding",
    "cluster",
    "cluster-restart",
    "cluster-status",
    "backup",
    "restore",
    "purge",
    "erase",
}
PLAIN = {"help", "check", "generate", "train", "evaluate", "inbox", "safety-report", "variety"}


def make(*arguments, timeout=600):
    # Of the `make test` that runs this.
    outer = (
        "ARGS",
        "MAKEFLAGS",
        "MAKEOVERRIDES",
        "MFLAGS",
        "MAKELEVEL",
    )
    env = {name: value for name, value in launch.environment().items() if name not in outer}
    return subprocess.run(
        ["make", *arguments],
        cwd=paths.ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        env=env,
    )


def test_every_target_is_covered():
    assert set(TARGETS) <= ELSEWHERE | PLAIN | {"rasa"}


@pytest.mark.slow
@pytest.mark.parametrize("target", sorted(PLAIN))
def test_a_target_works(target):
    small = {"check": ["ARGS=--today 2026-11-23"], "safety-report": ["ARGS=--every 25"]}
    done = make(target, *small.get(target, []))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("arguments", re.findall(r'make rasa ARGS="([^"]+)"', README))
def test_rasas_own_commands_work(arguments, tmp_path):
    more = f" --model models --out {tmp_path} --no-plot" if arguments.startswith("test nlu") else ""
    done = make("rasa", f"ARGS={arguments}{more}", timeout=900)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (paths.ROOT / target).exists(), target


def test_every_path_of_the_layout_exists():
    layout = re.search(r"## Layout\n+```\n(.*?)```", README, re.S).group(1)
    for line in layout.splitlines():
        for name in re.split(r"\s+", line[:27].strip()):
            assert (paths.ROOT / name).exists(), name
