"""A long conversation: only its last turns are loaded, nothing that was told is forgotten."""

import asyncio

import pytest
import rasa.shared.utils.io
import sqlalchemy as sa
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    BotUttered,
    LoopInterrupted,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)

from assistant import database, paths
from assistant.rasa import stores
from assistant.rasa.stores import LAST_TURNS, ConversationStore

LISTEN = "action_listen"


def written(*turns):
    """A store with one conversation `c` of `turns`, each a list of the events between the message
    and the listening."""
    store = ConversationStore(Domain.load(str(paths.ROOT / "domain.yml")))
    events = [ActionExecuted("action_session_start"), SessionStarted(), ActionExecuted(LISTEN)]
    for number, more in enumerate(turns):
        events += [
            UserUttered(f"message {number}", {"name": "ask_pain"}),
            *more,
            BotUttered("answer"),
            ActionExecuted(LISTEN),
        ]
    with database.engine().begin() as connection:
        connection.execute(database.events.insert(), store._rows("c", events))
    return store


def both(store, monkeypatch):
    """The conversation as it is loaded, and as it would be whole."""
    short = asyncio.run(store.retrieve("c"))
    monkeypatch.setenv("ASSISTANT_PATCH_LAST_TURNS", "off")
    whole = asyncio.run(store.retrieve("c"))
    monkeypatch.delenv("ASSISTANT_PATCH_LAST_TURNS")
    return short, whole


def remembered(tracker):
    """What decides how a conversation goes on."""
    loop = tracker.active_loop
    return (
        tracker.current_slot_values(),
        tracker.active_loop_name,
        bool(loop and loop.rejected),
        bool(loop and loop.is_interrupted),
        tracker.latest_action_name,
        tracker.latest_message.text,
        tracker.is_paused(),
        tracker.followup_action,
    )


ANSWER = [ActionExecuted("action_answer")]


CASES = {
    "nothing but answers": [ANSWER] * 20,
    "slots that were set long ago": [
        [
            SlotSet("handoff_name", "given"),
            SlotSet("conversation", {"circumstances": {"pregnant": "now"}}),
            *ANSWER,
        ],
        *[ANSWER] * 20,
    ],
    "a slot that was set, and emptied": [
        [SlotSet("handoff_name", "given")],
        [SlotSet("handoff_name", None)],
        *[ANSWER] * 20,
    ],
    "a form that has been open for long": [
        ANSWER,
        [
            ActionExecuted("handoff_form"),
            ActiveLoop("handoff_form"),
            SlotSet("requested_slot", "handoff_name"),
        ],
        *[ANSWER] * 20,
    ],
    "a form that was closed": [
        [ActionExecuted("handoff_form"), ActiveLoop("handoff_form")],
        [ActionExecuted("handoff_form"), ActiveLoop(None)],
        *[ANSWER] * 20,
    ],
    "a form that was rejected": [
        [ActionExecuted("handoff_form"), ActiveLoop("handoff_form")],
        [ActionExecutionRejected("handoff_form")],
        *[ANSWER] * 20,
    ],
    "a form that was rejected, and went on": [
        [ActionExecuted("handoff_form"), ActiveLoop("handoff_form")],
        [ActionExecutionRejected("handoff_form")],
        [ActionExecuted("handoff_form"), LoopInterrupted(True)],
        *[ANSWER] * 20,
    ],
    "a slot set in a turn that was taken back": [
        [SlotSet("handoff_name", "given")],
        [SlotSet("handoff_name", "skipped"), UserUtteranceReverted()],
        *[ANSWER] * 20,
    ],
    "a message that was taken back lately": [
        *[ANSWER] * 20,
        [SlotSet("handoff_name", "given"), UserUtteranceReverted()],
    ],
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_loaded_goes_on_like_the_whole_conversation(case, state, monkeypatch):
    short, whole = both(written(*CASES[case]), monkeypatch)
    assert remembered(short) == remembered(whole)


def test_only_the_last_turns_are_loaded(state, monkeypatch):
    short, whole = both(
        written(*[[SlotSet("conversation", {"n": n}), *ANSWER] for n in range(60)]), monkeypatch
    )
    messages = [event.text for event in short.events if isinstance(event, UserUttered)]
    assert messages == [f"message {n}" for n in range(60 - LAST_TURNS, 60)]
    assert len(short.events) < 40 < len(whole.events)


def test_a_session_that_was_rewound_is_loaded_whole(state, monkeypatch):
    short, whole = both(written(ANSWER, [UserUtteranceReverted()], *[ANSWER] * 10), monkeypatch)
    assert len(short.events) == len(whole.events)


def test_another_session_is_not_loaded(state, monkeypatch):
    store = written(
        [SlotSet("handoff_name", "given")],
        [ActionExecuted("action_session_start"), SessionStarted()],
        *[ANSWER] * 10,
    )
    short, whole = both(store, monkeypatch)
    assert remembered(short) == remembered(whole) and short.get_slot("handoff_name") is None


def test_what_is_saved_after_a_short_load_is_only_what_is_new(state):
    store = written(*[ANSWER] * 20)
    count = sa.select([sa.func.count()]).select_from(database.events)
    with database.engine().connect() as connection:
        before = connection.execute(count).scalar()
    tracker = asyncio.run(store.retrieve("c"))
    tracker.update(UserUttered("one more", {"name": "ask_pain"}))
    asyncio.run(store.save(tracker))
    asyncio.run(store.save(tracker))
    with database.engine().connect() as connection:
        assert connection.execute(count).scalar() == before + 1
    assert len(asyncio.run(store.retrieve_full_tracker("c")).events) == before + 1


def test_the_queries_use_the_index_by_kind(state):
    written(*[ANSWER] * 5)
    values = {"sender": "c", "start": 1, "recent": 20, "turns": 1}
    with database.engine().connect() as connection:
        for query in (stores.STARTS, stores.NEWEST_OF_EACH):
            plan = " ".join(
                row[3]
                for row in connection.execute(
                    sa.text(f"EXPLAIN QUERY PLAN {query.text}"),
                    {key: value for key, value in values.items() if f":{key}" in query.text},
                )
            )
            assert "ix_events_kind" in plan, plan


def test_rasa_still_loads_the_whole_session():
    import inspect

    from rasa.core.tracker_store import SQLTrackerStore

    assert "limit" not in inspect.getsource(SQLTrackerStore._event_query), (
        "Rasa bounds what it loads: look at assistant.rasa.stores.stored_events"
    )


def test_no_rule_is_about_the_start_of_a_conversation():
    rules = [
        rule
        for name in ("rules.yml", "handoff.yml")
        for rule in rasa.shared.utils.io.read_yaml_file(paths.ROOT / "data" / name)["rules"]
    ]
    assert rules and not [rule["rule"] for rule in rules if "conversation_start" in rule], (
        "with last_turns such a rule fires at every message: load whole sessions, or write it"
        " without"
    )
