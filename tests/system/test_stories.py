"""Rasa's own tests of the dialogue: the stories of test_stories.yml."""

import subprocess
import sys

from assistant import launch, paths


def rasa(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "assistant.rasa_cli", *arguments],
        cwd=paths.ROOT,
        env=launch.environment(),
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_the_policies_predict_every_action_of_the_stories(tmp_path):
    launch.train()
    stories = (
        "--stories",
        "tests/test_stories.yml",
        "--model",
        str(launch.MODEL),
        "--endpoints",
        str(tmp_path / "none.yml"),
    )
    done = rasa(
        "test", "core", *stories, "--out", str(tmp_path), "--no-plot", "--fail-on-prediction-errors"
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert "Correct:          18 / 18" in done.stdout + done.stderr
