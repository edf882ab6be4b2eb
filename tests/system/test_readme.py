"""Every command of the README works."""

import re
import subprocess

import pytest

from assistant import launch, paths

README = (paths.ROOT / "README.md").read_text("utf-8")


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


@pytest.mark.parametrize("target", sorted(PLAIN))
def test_a_target_works(target):
    small = {
        "check": ["ARGS=--today 2026-11-23"],
        "evaluate": ["ARGS=--every 20"],
        "safety-report": ["ARGS=--every 25"],
    }
    done = make(target, *small.get(target, []))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", re.findall(r'make rasa ARGS="([^"]+)"', README))
def test_rasas_own_commands_work(arguments, tmp_path):
    """`data validate` says, too, that rules and domain are consistent."""
    more = {
        "data validate": " --fail-on-warnings",
        "test nlu": f" --model models --out {tmp_path} --no-plot",
    }[" ".join(arguments.split()[:2])]
    done = make("rasa", f"ARGS={arguments}{more}", timeout=900)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
