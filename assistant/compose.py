"""Composing a turn from what was understood and what the knowledge base says. No sentence is made
up here.

A *reading* (assistant.understanding.reader) says what a message asks; a *state* is what the
conversation remembers (slot `conversation`). `compose` gives the turn and the state after it.
"""

from typing import Any, Dict, List, Optional, Set, Tuple

from assistant.conversation import acting, desk, manners, persons
from assistant.conversation.memory import said_lately, was_said, with_said
from assistant.knowledge import Knowledge, Question, Topic
from assistant.safety import circumstances
from assistant.safety.replies import clinic_reply
from assistant.turn import KINDS, URGENCY, Choice, Message, Turn
from assistant.understanding.text import QUESTION

#: Most questions that one turn answers, and most follow-up choices, caveats and sources that it
#: shows.
MOST_QUESTIONS, MOST_CHOICES, MOST_CAVEATS, MOST_SOURCES = 3, 3, 2, 4
#: Words of a turn beyond which no further caveat is added, under the answer to a specific question
#: and under a whole answer.
ENOUGH_WORDS, MOST_WORDS = 100, 145
#: Which kind of entity picks the variant of an answer when several would: the more telling one
#: first.
MOST_VARIANTS = 2
VARIANT_ORDER = ("situation", "treatment", "condition", "medication", "device", "area")
KIND_OF_TOPIC = {
    "out_of_scope": "out_of_scope",
    "out_of_scope_treatment": "out_of_scope",
    "diagnosis_request": "out_of_scope",
    "smalltalk": "smalltalk",
    "feedback": "smalltalk",
    "human_handoff": "handoff",
    "crisis": "crisis",
}
#: Caveats that come first and are never left out, by a shorter version neither.
WARNINGS = ("red_flags", "rf_warning")
#: The topic that lists the danger signs in full.
SIGNS = "urgent_symptom"
#: What of the latest turn a conversation remembers, so that it can be said again.
LASTING = ("kind", "topics", "urgency", "cautions", "messages", "choices", "sources", "reviewed_on")

State = Dict[str, Any]


def new_state() -> State:
    """What a conversation remembers at its beginning."""
    return {
        "topic": None,
        "topics": [],
        "entities": {},
        "choices": [],
        "misses": 0,
        "answered": [],
        "replies": {},
        "said": [],
        "last": None,
        "circumstances": {},
        "urgent": None,
        "urgent_language": None,
        "asked": None,
        "question": None,
        "told_last": [],
        "stated_last": [],
        "event": None,
    }


def compose(reading: Dict[str, Any], state: Optional[State], kb: Knowledge) -> Tuple[Turn, State]:
    """The turn that answers `reading`, and the state after it."""
    state = {**new_state(), **(state or {})}
    request, questions = reading.get("request"), reading.get("questions", [])[:MOST_QUESTIONS]
    if reading.get("language", "en") != "en":
        turn = other_language(reading["language"], kb)
    elif request in ("repeat", "shorter", "more", "why") and state["topics"]:
        turn = elaborate(request, state, kb)
    elif request == "deny" and (state["last"] or {}).get("kind") in ("clarify", "fallback"):
        turn = missed(state, kb)
    elif request in acting.SAID:
        turn = acting.SAID[request](state, kb)
        follow_up(turn, [kb.topic(t) for t in turn.topics if t in kb.topics], state, kb)
    elif request in persons.WHOSE:
        turn = persons.about(request, state, kb)
        follow_up(turn, [kb.topic(t) for t in turn.topics if t in kb.topics], state, kb)
    elif request in ("not_me", "not_other"):
        turn, moved = persons.moved(request, state, kb)
        turn = turn or missed(state, kb)
        state = {**state, "circumstances": moved}
    elif request is None and only_corrects(reading, state):
        turn = persons.corrected(*taken_back(reading, state), kb)
        follow_up(turn, [kb.topic(t) for t in state["topics"] if t in kb.topics], state, kb)
    elif request in ("known", "forget"):
        turn = circumstances_told(request, state, kb)
        state = {**state, "circumstances": {}} if request == "forget" else state
    elif request == "blank":
        turn = fixed("fallback", "blank", kb)
        turn.choices = suggestions(kb)
    elif request == "too_long":
        turn = fixed("fallback", "too_long", kb)
    elif request == "something_else" or not questions:
        turn = missed(state, kb)
    elif questions[0]["decision"] == "ask":
        turn = clarify(questions[0], state, kb)
    else:
        turn = answer([q for q in questions if q["decision"] == "answer"], state, kb)
    put_aside = ("known", "forget", *persons.WHOSE, "not_me", "not_other")
    stated = [
        item
        for item in reading.get("circumstances", [])
        if item["id"] in kb.circumstances and request not in put_aside
    ]
    known = circumstances.remember(state["circumstances"], stated)
    now_stated = [
        item
        for item in stated
        if not item["denied"] and not (reading.get("for_me") and item["who"] == "other")
    ]
    told = {item["id"] for item in now_stated}
    concerned = {
        name: how
        for name, how in known.items()
        if request not in persons.WHOSE
        and (
            how["who"] != "other"
            or name in told
            or (reading.get("of_another", True) and not reading.get("for_me"))
        )
    }
    caution(turn, now_stated, concerned, state, kb, circumstances.met(known))
    state = triage(turn, reading, state, kb)
    manners.without_link(turn, known, kb)
    manners.offer(turn, reading, state, kb)
    if turn.kind == "crisis":
        turn.choices = []  # nothing to pick and no form under a crisis line
    after = {**remember(turn, questions, state), "circumstances": known}
    if now_stated:
        after["stated_last"] = [item["id"] for item in now_stated]
    return turn, after


def taken_back(reading: Dict[str, Any], state: State) -> Tuple[List[str], str]:
    """The circumstances of one person that a message takes back, and whose they are."""
    known = state["circumstances"]
    names = [
        item["id"]
        for item in reading.get("circumstances", [])
        if item["denied"] and known.get(item["id"], {}).get("who") == item["who"]
    ]
    who = known[names[0]]["who"] if names else "self"
    return [name for name in names if known[name]["who"] == who], who


def only_corrects(reading: Dict[str, Any], state: State) -> bool:
    """Whether a message takes a circumstance back and asks nothing besides."""
    if not taken_back(reading, state)[0]:
        return False
    return not any(
        QUESTION.search(question.get("text") or "") for question in reading.get("questions", [])
    )


def fixed(kind: str, name: str, kb: Knowledge) -> Turn:
    """A turn of one ready-made reply."""
    turn = Turn(kind)
    turn.say(
        "question" if kind == "clarify" else "notice" if kind == "notice" else "answer",
        kb.reply(name),
    )
    return turn


def greeting(kb: Knowledge) -> Turn:
    """The first turn of a conversation: who is speaking, and the notice."""
    turn = Turn("notice")
    turn.say("notice", kb.reply("notice"))
    turn.say("question", kb.reply("welcome"))
    turn.choices = suggestions(kb)
    return turn


def suggestions(kb: Knowledge, leave_out=()) -> List[Choice]:
    """Questions to begin with (data/knowledge/replies.yml), as choices."""
    names = [name for name in kb.replies["suggested_topics"] if name not in leave_out]
    return [topic_choice(kb.topic(name)) for name in names[:MOST_CHOICES]]


def topic_choice(topic: Topic, entities: Optional[Dict[str, List[str]]] = None) -> Choice:
    """A choice that asks about `topic`."""
    return Choice(topic.title, topic.id, {"topic": topic.id, "entities": entities or {}})


def other_language(language: str, kb: Knowledge) -> Turn:
    """An apology in the visitor's language with the clinic's contact."""
    replies = kb.replies["languages"]
    turn = Turn("fallback")
    turn.messages.append(
        Message(
            "answer",
            kb.phrases.fill(replies.get(language, replies["other"]), language),
            language=language if language in replies and language != "other" else None,
        )
    )
    return turn


def missed(state: State, kb: Knowledge) -> Turn:
    """Nothing was understood: asks again once, then names the clinic's contact."""
    turn = fixed(
        "fallback", "not_understood" if state["misses"] == 0 else "not_understood_again", kb
    )
    turn.choices = suggestions(kb, state["answered"])
    return turn


#: Topics that nobody picks from a list; "something else" stands for them.
NO_CHOICE = ("out_of_scope", "smalltalk", "feedback", "crisis")


def clarify(question: Dict[str, Any], state: State, kb: Knowledge) -> Turn:
    """Two or three titled choices and "something else"; after a second miss, the clinic's contact
    too."""
    turn = Turn("clarify")
    turn.say("question", kb.reply("clarify" if state["misses"] == 0 else "clarify_again"))
    likely = [
        candidate["topic"]
        for candidate in question["candidates"]
        if candidate["topic"] in kb.topics and candidate["topic"] not in NO_CHOICE
    ]
    turn.choices = [
        topic_choice(kb.topic(name), question.get("entities")) for name in likely[:MOST_CHOICES]
    ]
    turn.choices.append(Choice(kb.reply("something_else"), None, {"request": "something_else"}))
    return turn


def pick_variant(topic: Topic, entities: Dict[str, List[str]]) -> Optional[str]:
    """The text for the most telling entity that this topic has a variant for; two texts where two
    of that kind are named."""
    for kind in VARIANT_ORDER:
        texts = [topic.variant(kind, value) for value in entities.get(kind, [])]
        found = list(dict.fromkeys(text for text in texts if text))
        if found:
            return " ".join(found[:MOST_VARIANTS])
    return None


def specific_question(topic: Topic, question: Dict[str, Any]) -> Optional[Question]:
    """The entry of the specific question that is asked inside `topic`, if it is one of those that
    the knowledge base answers."""
    situation = (question.get("entities") or {}).get("situation", [None])[0]
    return topic.questions.get(situation) if situation else None


def wording(topic: Topic, question: Dict[str, Any], together: int, state: State) -> str:
    """What is said to one question: the answer to a specific one, the variant and the short answer,
    or the whole answer; short where three are answered together."""
    specific = specific_question(topic, question)
    if specific:
        text = specific.lead if together > 2 else specific.answer
        # Which question is answered is said where another one may have been meant.
        return f"**{specific.ask}** {text}" if question.get("unsure") else text
    situation = manners.known_situation(
        (question.get("entities") or {}).get("situation", [None])[0], state
    )
    replies = topic.by.get("situation", {}).get(situation) if situation else None
    if isinstance(replies, list):
        turn_number = state["replies"].get(situation, 0)
        return replies[turn_number % len(replies)]
    variant = pick_variant(topic, question.get("entities") or {})
    if variant:
        return (
            variant if together > 2 or topic.group == "boundaries" else f"{variant} {topic.short}"
        )
    return topic.short if together > 2 else topic.answer


#: Topics whose answers hold wherever it is done; asked of another part of the body, the next
#: question is whether that part is treated.
ANYWHERE = (
    "acne_scars",
    "other_scars",
    "stretch_marks",
    "pores_texture",
    "wrinkles_aging",
    "pigmentation",
    "benefits",
    "what_is",
    "how_it_works",
    "conditions_treated",
    "candidacy",
)


#: Topics in which a question about the price is about the clinic's price list.
PRICED = (
    "vampire_facial",
    "prp_vs_plain",
    "rf_microneedling",
    "treatable_areas",
    "devices_brands",
    "number_of_sessions",
)


def elsewhere(question: Dict[str, Any], kb: Knowledge) -> str:
    """The topic of a question; "and on the neck?" is about the neck where the topic at hand has
    nothing to say of it."""
    if question["topic"] in PRICED and desk.asks_price(question.get("text") or ""):
        return "cost"
    topic, areas = question["topic"], (question.get("entities") or {}).get("area", [])
    if (
        not question.get("leaning")
        or topic not in ANYWHERE
        or any(kb.topic(topic).variant("area", area) for area in areas)
    ):
        return topic
    return (
        "treatable_areas"
        if any(kb.topic("treatable_areas").variant("area", area) for area in areas)
        else topic
    )


def answer(questions: List[Dict[str, Any]], state: State, kb: Knowledge) -> Turn:
    """Answers to one to three questions, in the order in which they were asked."""
    topics = []
    questions = [{**question, "topic": elsewhere(question, kb)} for question in questions]
    for question in questions:
        if question["topic"] not in [t.id for t in topics]:
            topics.append(kb.topic(question["topic"]))
    turn = Turn("answer", topics=[t.id for t in topics])
    asked = {q["topic"]: q for q in reversed(questions)}
    for topic in topics:
        question = asked[topic.id]
        complaint = "complaint" in (question.get("entities") or {}).get("situation", [])
        own = desk.answer(
            topic.id,
            question.get("text") or "",
            kb,
            complaint=complaint,
            entities=question.get("entities") or {},
            specific=specific_question(topic, question) is not None,
        ) or manners.greeting(
            question.get("text") or "",
            (question.get("entities") or {}).get("situation", [None])[0],
            state,
            kb,
        )
        entities = question.get("entities") or {}
        specific = specific_question(topic, question)
        text = manners.fresh(
            own or kb.phrases.fill(wording(topic, question, len(topics), state)), topic, state, kb
        )
        if own or specific or pick_variant(topic, entities):
            turn.specific.append(topic.id)
        if not own and not specific and topic.group != "boundaries":
            whole = pick_variant(topic, entities) is None and len(topics) <= 2
            besides = desk.besides(topic.id, entities, whole, kb)
            text = f"{text} {besides}".strip()
        turn.say("answer", text, topic.id)
    cited = [
        source
        for topic in topics
        for source in getattr(specific_question(topic, asked[topic.id]), "sources", ())
    ]
    attach(turn, topics, state, kb, cited)
    kinds = {KIND_OF_TOPIC.get(t.id, "answer") for t in topics}
    turn.kind = next(kind for kind in KINDS if kind in kinds)
    return turn


def words_of(turn: Turn) -> int:
    """The words of everything that a turn says."""
    return sum(len(message.text.split()) for message in turn.messages)


def add_caveats(turn: Turn, topics: List[Topic], state: State, kb: Knowledge) -> bool:
    """Each caveat of `topics` once in a conversation: warnings first, the rest while the turn is
    short; under the answer to a specific question in one line where there is one. Gives whether a
    warning was left out or shortened."""
    caveats = sorted(
        dict.fromkeys(name for topic in topics for name in topic.caveats),
        key=lambda name: name not in WARNINGS,
    )
    brief = all(topic.id in turn.specific for topic in topics) or len(topics) > 2
    shown, shortened = 0, False
    for name in caveats:
        caveat = kb.caveats[name]
        whole = kb.phrases.fill(caveat.text)
        text = kb.phrases.fill(caveat.line) if brief and caveat.line else whole
        shortened = shortened or name in WARNINGS and (text != whole or was_said(whole, state))
        room = words_of(turn) + len(text.split()) <= (ENOUGH_WORDS if brief else MOST_WORDS)
        if was_said(whole, state) or was_said(text, state):
            continue
        if name in WARNINGS or room and shown < (1 if brief else MOST_CAVEATS):
            turn.say("caveat", text)
            shown += 1
    return shortened


def attach(
    turn: Turn, topics: List[Topic], state: State, kb: Knowledge, cited: List[str] = ()
) -> None:
    """Caveats, sources (`cited` first), review date and follow-up choices that belong to
    `topics`."""
    shortened = add_caveats(turn, topics, state, kb)
    sources = [*cited, *(source for topic in topics for source in topic.sources)]
    for name in list(dict.fromkeys(sources))[:MOST_SOURCES]:
        source = kb.sources[name]
        turn.sources.append(
            {
                "id": name,
                "title": source.title,
                "publisher": source.publisher,
                "year": source.year,
                "url": source.url,
            }
        )
    dates = [topic.reviewed.on for topic in topics if topic.group != "boundaries"]
    turn.reviewed_on = min(dates).isoformat() if dates else None
    follow_up(turn, topics, state, kb)
    if shortened and SIGNS not in {*turn.topics, *state["answered"]}:
        others = [choice for choice in turn.choices if choice.topic != SIGNS]
        turn.choices = [*others[: MOST_CHOICES - 1], topic_choice(kb.topic(SIGNS))]


def follow_up(turn: Turn, topics: List[Topic], state: State, kb: Knowledge) -> None:
    """Offer what is asked next after `topics` and was not answered yet; what the turn offers by
    itself stays."""
    if turn.choices:
        return
    seen = {*turn.topics, *state["answered"]}
    wanted = manners.way_back(topics, state, kb) or [
        name for topic in topics for name in topic.follow_ups
    ]
    fresh = [name for name in dict.fromkeys(wanted) if name not in seen]
    turn.choices = [topic_choice(kb.topic(name)) for name in fresh[:MOST_CHOICES]]


def triage(turn: Turn, reading: Dict[str, Any], state: State, kb: Knowledge) -> State:
    """Say first what a milder symptom needs, and repeat urgent advice that has not been settled
    yet. Gives the state after it."""
    finding = {"level": "none", **(reading.get("triage") or {})}
    level = finding["level"]
    if level == "none" and turn.topics[:1] == ["post_treatment_worry"]:
        level = "expected"
    if level == "contact_clinic":
        turn.messages.insert(
            0, Message("triage", kb.reply(clinic_reply(finding)), "urgent_symptom", level)
        )
        turn.kind = "triage" if turn.kind != "crisis" else turn.kind
        if "urgent_symptom" not in turn.topics:
            turn.topics.append("urgent_symptom")
    if URGENCY.index(level) > URGENCY.index(turn.urgency):
        turn.urgency = level
    if state.get("urgent") and URGENCY.index(turn.urgency) < URGENCY.index(state["urgent"]):
        if finding.get("settled"):
            return {**state, "urgent": None, "urgent_language": None}
        turn.messages.insert(0, still_urgent(reading.get("language", "en"), state, kb))
        if finding.get("eased") and state["urgent"] == "emergency" and turn.kind != "crisis":
            stays_urgent(turn, kb)
        # What is unclear now is about the emergency, as far as anybody knows.
        if turn.kind in (
            "clarify",
            "fallback",
        ):
            turn.topics.append("urgent_symptom")
    return state


def stays_urgent(turn: Turn, kb: Knowledge) -> None:
    """The sign of an emergency has eased: the turn is as urgent as before, and says why."""
    turn.messages.insert(
        1, Message("triage", kb.reply("eased_emergency"), "urgent_symptom", "emergency")
    )
    turn.urgency, turn.kind = "emergency", "triage"
    turn.topics = ["urgent_symptom", *(t for t in turn.topics if t != "urgent_symptom")]
    turn.topics = [t for t in turn.topics if t not in NO_CHOICE]
    kept = [m for m in turn.messages if m.role != "question" and m.topic not in NO_CHOICE]
    turn.messages = kept


def still_urgent(language: str, state: State, kb: Knowledge) -> Message:
    """The reminder of urgent advice, in the language of this message or, a few English words said
    in between aside, of the one that told of the emergency."""
    level = state["urgent"]
    code = next(
        (
            code
            for code in (language, state.get("urgent_language"))
            if f"still_{level}_{code}" in kb.replies
        ),
        None,
    )
    return Message(
        "triage",
        kb.phrases.fill(kb.replies[f"still_{level}_{code}" if code else f"still_{level}"], code),
        "urgent_symptom",
        level,
        code,
    )


#: Topics about money and dates, in which a circumstance says what must happen before booking.
BOOKING_TOPICS = ("cost", "booking", "insurance_financing")
#: Topics that ask whether something may be done, where a circumstance is reminded of each time.
LEAVE_TOPICS = ("candidacy", "contraindications", "treatable_areas")


def caution(
    turn: Turn,
    stated: List[Dict[str, Any]],
    known: Dict[str, Dict[str, Any]],
    state: State,
    kb: Knowledge,
    met: Optional[Dict[str, List[str]]] = None,
) -> None:
    """Add what personal circumstances change: in full when stated in this message, as a reminder
    when told earlier; in the words of a combination where several are `met` in one person."""
    met = {name: names for name, names in (met or {}).items() if name in kb.together}
    silent = silence(turn, stated, known, met, kb)
    stated = [item for item in stated if item["id"] not in silent]
    known = {name: how for name, how in known.items() if name not in silent}
    now = {item["id"] for item in stated}
    for item in stated:
        entry = kb.circumstances[item["id"]]
        text = (
            entry.other
            if item["who"] == "other"
            else entry.past
            if item["when"] == "past" and entry.past
            else entry.caution
        )
        text = kb.phrases.fill(text)
        if was_said(text, state):
            text = kb.phrases.fill(entry.reminder)
            text = kb.reply("for_the_other", reminder=text) if item["who"] == "other" else text
        # What was asked comes first where the answer is about the circumstance itself.
        place = len(turn.messages) if entry.topic in turn.specific else turn_opening(turn)
        if not was_said(text, state):
            turn.messages.insert(place, Message("caution", text, entry.topic))
        # The caution is the answer, unless the question was more specific: do not say it twice.
        if turn.topics == [entry.topic] and entry.topic not in turn.specific:
            turn.messages = [m for m in turn.messages if m.role != "answer"]
        elif entry.topic not in turn.topics and not (item.get("aside") and turn.kind == "answer"):
            turn.topics.append(entry.topic)
        turn.cautions.append(item["id"])
        # What is only thought of, and what is long past, is not urgent.
        happened = item["when"] == "now" and not item.get("planned")
        if happened and URGENCY.index(entry.level) > URGENCY.index(turn.urgency):
            turn.urgency = entry.level
    asked_about = turn.topics or [
        choice.topic for choice in turn.choices if choice.topic and turn.kind == "clarify"
    ]
    for name, how in known.items():
        entry = kb.circumstances[name]
        touched = [
            kb.topic(t)
            for t in asked_about
            if t in kb.topics and entry.touches(kb.topic(t)) and t != entry.topic
        ]
        if name in now or not touched:
            continue
        past = how["when"] == "past"
        booking = any(topic.id in BOOKING_TOPICS for topic in touched)
        text = (
            (entry.past_booking if past and entry.past_booking else entry.booking)
            if booking
            else entry.past_reminder
            if past and entry.past_reminder
            else entry.reminder
        )
        text = kb.phrases.fill(text)
        if how["who"] == "other":
            text = kb.reply("for_the_other", reminder=text)
        if was_said(text, state):
            text = kb.reply("still_counts", circumstance=entry.title.lower())
        asks_leave = booking or any(topic.id in LEAVE_TOPICS for topic in touched)
        if asks_leave or not said_lately(text, state):
            turn.say("caution", text, entry.topic)
        turn.cautions.append(name)
    if (
        turn.cautions
        and now
        and turn.kind in ("answer", "clarify", "fallback", "smalltalk", "out_of_scope")
    ):
        turn.kind = "caution"
        turn.topics = [
            t for t in turn.topics if t not in ("out_of_scope", "smalltalk")
        ] or turn.topics
    if (
        turn.urgency in ("contact_clinic", "same_day", "emergency")
        and "urgent_symptom" not in turn.topics
    ):
        turn.topics.insert(0, "urgent_symptom")


def silence(
    turn: Turn,
    stated: List[Dict[str, Any]],
    known: Dict[str, Dict[str, Any]],
    met: Dict[str, List[str]],
    kb: Knowledge,
) -> Set[str]:
    """Say what holds of the combinations that are `met`: first and in full when the message tells
    of one of their circumstances, or the answer would say what must not be said then; else as a
    reminder. Gives the circumstances that have no words of their own then."""
    silent: Set[str] = set()
    for name, names in met.items():
        entry = kb.together[name]
        silent |= {*names, *entry.silences}
        told = [item for item in stated if item["id"] in silent]
        hows = [*told, *(how for key, how in known.items() if key in names)]
        if not hows:  # told of somebody else, and the question is about the visitor
            continue
        others = hows[0]["who"] == "other"
        topics = [kb.circumstances[key].topic for key in names]
        asked = [kb.topic(topic) for topic in turn.topics if topic in kb.topics]
        wrong = [message for message in turn.messages if entry.forbids(message.text)]
        if told or wrong:
            replaced = [m for m in turn.messages if m.role == "answer" and m.topic in topics]
            turn.messages = [m for m in turn.messages if m not in wrong + replaced]
            text = kb.phrases.fill(entry.other if others else entry.caution)
            turn.messages.insert(turn_opening(turn), Message("caution", text, topics[0]))
            level = circumstances.combinations()[name].level
            turn.urgency = max(turn.urgency, level, key=URGENCY.index)
            if turn.kind in ("answer", "clarify", "fallback", "smalltalk", "out_of_scope"):
                turn.kind = "caution"
        elif any(kb.circumstances[key].touches(topic) for key in names for topic in asked):
            booking = any(topic.id in BOOKING_TOPICS for topic in asked)
            text = kb.phrases.fill(entry.booking if booking else entry.reminder)
            if others:
                text = kb.reply("for_the_other", reminder=text)
            turn.say("caution", text, topics[0])
        else:
            continue
        turn.cautions += names
    return silent


def turn_opening(turn: Turn) -> int:
    """Where a caution goes: first, behind other cautions."""
    return sum(message.role == "caution" for message in turn.messages)


def circumstances_told(request: str, state: State, kb: Knowledge) -> Turn:
    """What the visitor has told of circumstances in this conversation, or the word that it is put
    aside."""
    turn = Turn("answer", topics=["privacy"])
    titles = [
        (
            kb.reply("told_other", circumstance=kb.circumstances[name].title)
            if how["who"] == "other"
            else kb.circumstances[name].title
        )
        for name, how in state["circumstances"].items()
        if name in kb.circumstances
    ]
    if not titles:
        turn.say("answer", kb.reply("told_nothing"), "privacy")
    elif request == "known":
        turn.say("answer", kb.reply("told", circumstances="; ".join(titles)), "privacy")
    else:
        turn.say("answer", kb.reply("told_forgotten", circumstances="; ".join(titles)), "privacy")
    return turn


def elaborate(request: str, state: State, kb: Knowledge) -> Turn:
    """More, the reason, a shorter version or the same again, about what was said last."""
    topics = [kb.topic(name) for name in state["topics"] if name in kb.topics]
    if request == "repeat" and state["last"]:
        return Turn.from_dict(state["last"])
    turn = Turn("answer", topics=[t.id for t in topics])
    for topic in topics[:1] if request != "shorter" else topics:
        text = {
            "more": topic.more or topic.answer,
            "why": topic.why or topic.more or topic.answer,
            "shorter": topic.short,
        }[request]
        turn.say("answer", kb.phrases.fill(text), topic.id)
    attach(turn, topics if request == "shorter" else topics[:1], state, kb)
    if request == "shorter":
        warnings = [kb.phrases.fill(kb.caveats[name].text) for name in WARNINGS]
        turn.messages = [m for m in turn.messages if m.role == "answer" or m.text in warnings]
    turn.topics = [m.topic for m in turn.messages if m.role == "answer"]
    return turn


def leant_on(questions: List[Dict[str, Any]], state: State) -> Optional[str]:
    """The question that a follow-up leans on: the latest that can be understood by itself, several
    of one message as one text."""
    own = [
        question.get("text") or question.get("title")
        for question in questions
        if not question.get("followed") and not question.get("leaning")
    ]
    return " and ".join(text for text in own if text) or state.get("question")


def remember(turn: Turn, questions: List[Dict[str, Any]], state: State) -> State:
    """The state after `turn`."""
    state = {**state}
    data = turn.as_dict()
    if turn.kind in ("clarify", "fallback"):
        state["misses"] += 1
    else:
        state["misses"] = 0
    state["asked"] = questions[0].get("text") if questions and turn.kind == "clarify" else None
    state["question"] = leant_on(questions, state)
    state["told_last"] = [
        f"{question['topic']}/{name}"
        for question in questions
        for name in (question.get("entities") or {}).get("situation", [])
    ]
    lasting = [t for t in turn.topics if KIND_OF_TOPIC.get(t) not in ("smalltalk", "out_of_scope")]
    if lasting:
        state["topic"], state["topics"] = lasting[-1], lasting
        state["answered"] = [*dict.fromkeys([*state["answered"], *lasting])][-30:]
    for question in questions:
        for kind, values in (question.get("entities") or {}).items():
            if kind == "situation":
                count = {name: state["replies"].get(name, 0) + 1 for name in values}
                state["replies"] = {**state["replies"], **count}
            elif lasting:
                state["entities"] = {**state["entities"], kind: values}
    state["said"] = with_said((message.text for message in turn.messages), state)
    if data["choices"]:
        state["choices"] = data["choices"]
    state["last"] = {key: data[key] for key in LASTING}
    state["last_id"] = turn.id
    state["pending"] = None
    return state
