"""What ours is compared with: Rasa's default pipeline, Rasa's logistic regression, and stock bots
that answer from the same texts.

Nothing here imports the assistant's Rasa components; the stock commands run without the project on
their path.
"""

import json
import os
import sys
from pathlib import Path
from typing import Dict, List

import yaml

#: The pipeline of `rasa init`, without the parts that these data do not use (synonyms, response
#: selector).
FEATURES = """\
recipe: default.v1
language: en
assistant_id: stock
pipeline:
  - name: WhitespaceTokenizer
  - name: RegexFeaturizer
  - name: LexicalSyntacticFeaturizer
  - name: CountVectorsFeaturizer
  - name: CountVectorsFeaturizer
    analyzer: char_wb
    min_ngram: 1
    max_ngram: 4
"""
CLASSIFIERS = {
    "diet": "  - name: DIETClassifier\n    epochs: {epochs}\n    constrain_similarities: true\n",
    "regression": "  - name: LogisticRegressionClassifier\n",
}
FALLBACK = """\
  - name: FallbackClassifier
    threshold: 0.3
    ambiguity_threshold: 0.1
"""
#: Lighter than the policies of `rasa init`: TED and UnexpecTED would only make the stock bot slower
#: and larger.
POLICIES = "policies:\n  - name: MemoizationPolicy\n  - name: RulePolicy\n"
ACTIONS = '''"""One action that answers every intent from the same texts."""
import json
from pathlib import Path

from rasa_sdk import Action

TEXTS = json.loads((Path(__file__).parent / "texts.json").read_text("utf-8"))


class ActionAnswer(Action):
    def name(self):
        return "action_answer"

    def run(self, dispatcher, tracker, domain):
        intent = tracker.latest_message["intent"]["name"]
        dispatcher.utter_message(text=TEXTS.get(intent, TEXTS["nlu_fallback"]))
        return []
'''


def config(classifier: str, epochs: int = 100, policies: bool = False) -> str:
    """config.yml of the stock pipeline with "diet" or "regression"."""
    return (
        FEATURES
        + CLASSIFIERS[classifier].format(epochs=epochs)
        + FALLBACK
        + (POLICIES if policies else "policies: []\n")
    )


def environment() -> Dict[str, str]:
    """The environment of stock commands: this one's without the project's path and settings; only
    the noise is switched off."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ASSISTANT_", "OMP_", "OPENBLAS_", "SANIC_", "PYTHONPATH"))
    }
    return {
        **kept,
        "RASA_TELEMETRY_ENABLED": "false",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore",
    }


def rasa(*arguments: str) -> List[str]:
    """A command line of stock Rasa, with this Python."""
    return [sys.executable, "-m", "rasa", *arguments]


def write_bot(
    folder: Path,
    texts: Dict[str, str],
    nlu: Path,
    action_port: int,
    action_server: bool,
    epochs: int,
) -> Path:
    """Write a stock bot that answers each intent of `texts` (and `nlu_fallback`) with its text.

    With `action_server` every intent calls one custom action and conversations are kept in SQLite,
    as ours are; without it the answers are plain responses and conversations are kept in memory:
    the leanest bot that Rasa makes. Gives the folder.
    """
    folder.mkdir(parents=True)
    intents = [name for name in texts if name != "nlu_fallback"]
    answer = (
        (lambda intent: "action_answer") if action_server else (lambda intent: f"utter_{intent}")
    )
    domain = {
        "version": "3.1",
        "intents": intents,
        "session_config": {"session_expiration_time": 60, "carry_over_slots_to_new_session": True},
    }
    if action_server:
        domain["actions"] = ["action_answer"]
        (folder / "actions.py").write_text(ACTIONS, "utf-8")
        (folder / "texts.json").write_text(json.dumps(texts), "utf-8")
    else:
        domain["responses"] = {f"utter_{name}": [{"text": text}] for name, text in texts.items()}
    rules = [
        {"rule": f"answer {name}", "steps": [{"intent": name}, {"action": answer(name)}]}
        for name in texts
    ]
    endpoints = (
        {
            "action_endpoint": {"url": f"http://127.0.0.1:{action_port}/webhook"},
            "tracker_store": {"type": "SQL", "dialect": "sqlite", "db": "conversations.db"},
        }
        if action_server
        else {}
    )
    for name, content in (
        ("domain.yml", domain),
        ("rules.yml", {"version": "3.1", "rules": rules}),
        ("endpoints.yml", endpoints),
        ("credentials.yml", {"rest": None}),
    ):
        (folder / name).write_text(
            yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=10000), "utf-8"
        )
    (folder / "config.yml").write_text(config("diet", epochs, policies=True), "utf-8")
    (folder / "nlu").symlink_to(nlu, target_is_directory=True)
    return folder
