"""The benchmarks work from end to end, in small. No timing is asserted: the figures of --quick
mean nothing."""

import json
import os
import subprocess
import time

from benchmarks import bench, machine
from tests.system.test_readme import make


def quick(target):
    done = make(target, "ARGS=--quick", timeout=1800)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return json.loads(done.stdout[done.stdout.index("\n{") + 1 :])


def test_understanding_is_measured():
    found = quick("bench-understanding")
    assert set(found) == {"ours", "diet", "regression"}
    for figures in found.values():
        assert all(
            0 <= figures[name] <= 1
            for name in (
                "first",
                "three",
                "answered",
                "helped",
                "rejected",
                "turned_away",
                "asked_back",
                "calibration",
            )
        )
        assert (
            figures["answered"] <= figures["first"] <= figures["three"]
            and figures["answered"] <= figures["helped"]
        )
        assert (
            0 < figures["p50"] <= figures["p95"] and figures["load"] > 0 and figures["memory"] > 100
        )
    assert found["ours"]["first"] > found["diet"]["first"], (
        "the full model knows more than two epochs on a few examples"
    )
    assert found["diet"]["train"] > 0 and found["regression"]["train"] > 0


def test_turns_are_measured():
    found = quick("bench")
    assert set(found) == {"ours", "stock, leanest"}
    for figures in found.values():
        for visitors in bench.QUICK.visitors:
            assert (
                0
                < figures[f"p50_{visitors}"]
                <= figures[f"p95_{visitors}"]
                <= figures[f"p99_{visitors}"]
                and figures[f"throughput_{visitors}"] > 0
            )
        assert figures["errors"] == 0 and figures["start"] > 0 and figures["memory"] > 100
        assert (
            figures["burst_last"] >= figures["burst_single"] / 2 > 0
            and figures["turn_2"] > 0
            and figures["turn_last"] > 0
        )


def test_processes_and_their_cost():
    child = subprocess.Popen(["sh", "-c", "sleep 60 & wait"], start_new_session=True)
    try:
        until = time.monotonic() + 10
        while len(machine.family([child.pid])) < 2 and time.monotonic() < until:
            time.sleep(0.02)
        assert len(machine.family([child.pid])) == 2
        assert machine.resident([child.pid]) > 0.1
    finally:
        os.killpg(child.pid, 9)
        child.wait()
    assert machine.family([child.pid]) == [] and machine.resident([child.pid]) == 0
    before = machine.processor_seconds([os.getpid()])
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass
    assert 0.2 <= machine.processor_seconds([os.getpid()]) - before < 3
