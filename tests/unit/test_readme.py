"""Every command of the README works, and every path it names exists."""

import re

from assistant import paths

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


def test_every_target_is_covered():
    assert set(TARGETS) <= ELSEWHERE | PLAIN | {"rasa"}


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (paths.ROOT / target).exists(), target


def test_every_path_of_the_layout_exists():
    layout = re.search(r"## Layout\n+```\n(.*?)```", README, re.S).group(1)
    for line in layout.splitlines():
        for name in re.split(r"\s+", line[:27].strip()):
            assert (paths.ROOT / name).exists(), name


def test_every_setting_of_the_environment_is_in_the_table():
    table = (paths.ROOT / "docs" / "settings.md").read_text("utf-8")
    code = "\n".join(
        file.read_text("utf-8")
        for folder in ("assistant", "actions")
        for file in (paths.ROOT / folder).rglob("*.py")
    )
    read = re.findall(r"environ(?:\.get\(|\[)\s*\"([A-Z_]+)\"", code)
    assert set(read) - {"SANIC_WORKERS"} <= set(re.findall(r"[A-Z_]{4,}", table))
