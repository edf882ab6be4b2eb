"""Reading a message: its language, its questions, and what it takes from the conversation so far."""
import functools
import re
from dataclasses import dataclass
from typing import Any, Dict, List, Optional

from assistant.safety.assess import Triage
from assistant.safety.circumstances import Circumstances
from assistant.safety.replies import response_name
from assistant.safety.statements import StatementModel
from assistant.understanding.language import detect
from assistant.understanding.lexicon import Lexicon
from assistant.understanding.model import Ranked, TopicModel
from assistant.understanding.splitter import candidates
from assistant.understanding.text import QUESTION, has_words, normalise

BOUNDARIES = ("out_of_scope", "out_of_scope_treatment", "smalltalk", "privacy", "feedback", "diagnosis_request", "crisis")
OUTSIDE = ("out_of_scope", "out_of_scope_treatment")
#: Topics whose questions name other treatments.
OTHER_TREATMENTS = ("combine_treatments", "vs_other_treatments", "vs_laser", "vs_chemical_peel")
#: Below the first probability a topic is not answered outright when what is outside has the second: "what age for baby botox".
CONTESTED, OUTSIDE_ENOUGH = 0.65, 0.1


@dataclass(frozen=True)
class Thresholds:
    """When to answer, when to ask back, when to split (config.yml, component TopicClassifier; measured in docs/understanding.md).

    answer: probability of the best topic from which it is answered; below it, choices are offered.
    near: cosine to the nearest training example below which a message is not about anything known.
    split: probability that each part of a message needs before the message counts as several questions.
    echo: probability that the whole message must give a part's topic.
    outside: probability of the two out-of-scope topics together from which an unclear message is turned away when no other topic has more.
    """

    answer: float = 0.45
    near: float = 0.4
    split: float = 0.55
    echo: float = 0.001
    outside: float = 0.3

    @classmethod
    def of(cls, config: Dict[str, Any]) -> "Thresholds":
        return cls(**{name: config[name] for name in cls.__dataclass_fields__ if name in config})


#: Requests about the previous answer, as whole messages.
REQUESTS = {
    "why": re.compile(r"^(?:but |and |ok |so )*(?:why(?: (?:is|would|does|do) (?:that|it|this)(?: be| so| matter| happen)?)?|how come|what(?:'s| is) the reason|whys that|y tho|why not|why so)\W*$", re.I),
    "more": re.compile(r"^(?:ok |yes |yeah |yep |please |can you |could you |go on |and )*(?:tell me more|more(?: detail| details| info| information| please| pls)?|go on|explain(?: more)?|elaborate|more about (?:that|it|this)|say more|expand(?: on (?:that|it))?|in more detail|what else)\W*(?:please|pls|about (?:that|it|this))?\W*$", re.I),
    "shorter": re.compile(r"^.{0,24}\b(?:shorter|in short|tl;?dr|too (?:much text|long|wordy)|in one sentence|simpler|keep it (?:short|brief|simple)|short version|just the gist|brief(?:ly)?)\b.{0,24}$", re.I),
    "repeat": re.compile(r"^.{0,16}\b(?:repeat (?:that|it|please)|say (?:that|it) again|come again|what did you (?:just )?say|once more|again please|pardon|sorry what)\b.{0,12}$", re.I),
}
#: What the conversation knows of the visitor's circumstances: told again, or put aside.
KNOWN = re.compile(
    r"\b(?:what (?:do|did|have) (?:you|i|u) (?:know|remember|noted?|told?|say|said|mention(?:ed)?|tell|got|have|keep|kept)(?: you| u)?(?: down| noted| stored)? (?:about|of|on) (?:me|my (?:health|skin|body|medicines?|medication|condition))\b"
    r"|what have i (?:told|said to) (?:you|u)|which (?:of my )?(?:conditions?|circumstances|health (?:facts|things)) (?:do|did) you (?:know|remember|have)|list (?:what|my) (?:you know|circumstances|health))", re.I)
FORGET = re.compile(
    r"\b(?:forget|ignore|disregard|scrap|un-?remember|put aside) (?:everything |all |what |that |the fact |the bit |the thing |my )*(?:(?:that )?(?:i|ive|i've) (?:said|told|mentioned)|i(?:'m| am| was|'ve| have| take) (?:\w+ ){0,3}(?:pregnan\w*|breast\w*|diabet\w*|on |taking ))"
    r"|\b(?:forget|ignore|erase|clear|remove|drop|delete|scrap) (?:\w+ ){0,3}(?:about my (?:health|skin|medic\w+|condition|pregnancy)|my (?:health (?:info\w*|details|facts|stuff)|circumstances|medical (?:info\w*|details|history)))", re.I)
#: Openings that lean on what was said before.
LEANING = re.compile(r"^(?:and|but|what about|how about|what if|also|or|so|ok(?:ay)?|then|same for|even|is that|does that|will that|would that|how long does (?:it|that)|for|on|with|in|at|the|no,? i mean(?:t)?|sorry,? (?:i mean(?:t)?|the)|i mean(?:t)?)\b", re.I)
#: A link, in markdown or bare.
LINK = re.compile(r"\[(?P<words>[^\]]*)\]\([^)]*\)|\b(?:https?://|www\.)\S+", re.I)
#: Self-harm that goes on, said beside old scars.
GOES_ON = re.compile(r"\b(?:still|again|last night|yesterday|this (?:week|morning|month)|tonight|today|can'?t stop|haven'?t stopped|every (?:day|night|week)|most (?:days|nights)|relaps\w*|fresh|new ones?)\b", re.I)
#: The visitor says that the urgent matter is being taken care of.
SETTLED = re.compile(r"\b(?:it'?s|it is|its|that'?s|all) (?:settled|sorted|dealt with|been seen|ok now|better now|fine now)|\b(?:i'?ve|ive|i have|i'?m|im|she'?s|he'?s)(?: been| just| already)* (?:seen|called|rung|phoned|at (?:the )?(?:a&e|er|hospital|doctor)|in hospital|been seen)\b|\bsettled\b|\b(?:calling|ringing|phoning|calling them|on (?:the|my|our) (?:phone|way)|ambulance is|they'?re coming|paramedics?)\b", re.I)
#: "That" is the redness where the talk is of recovery.
HOW_LONG = re.compile(r"^(?:and |so |but |ok )*how long (?:does|do|will|would|is|can) (?:it|that|this|they|the redness)\b(?: \w+){0,3}\W*$", re.I)
RECOVERY = ("downtime", "side_effects", "post_treatment_worry", "aftercare")
#: "It" is the redness here too, and longer than expected is a worry.
IF_LONGER = re.compile(r"^(?:and |so |but |ok )*what (?:if|when) (?:it|that|this|they|the redness|mine)(?:'s| is|'re| are)? ?(?:goes on|lasts?|stays?|takes|still there|doesn'?t (?:go|fade|settle|stop))\b", re.I)
CONCERNS = ("acne_scars", "other_scars", "stretch_marks", "pores_texture", "wrinkles_aging", "pigmentation", "hair_loss")
#: A message of at most so many words is read together with what was asked before, when it is unclear by itself.
SHORT = 9
#: Least probability that a topic of the conversation needs to be taken for what an unclear short message means.
IN_CONTEXT = 0.08
#: From this probability on, a short message has a topic of its own whatever was said before.
LEANING_ENDS = 0.75
#: Margin from which a circumstance counts whatever the message is about; else one of its topics must have this probability at least.
VERY_SURE, RELATED = 0.8, 0.02
#: Probability of its topics below which a circumstance is told on the way to a question about something else.
ASIDE = 0.04
#: Topics in which any circumstance may be told.
GENERAL_TOPICS = frozenset(("candidacy", "contraindications"))
#: Topics of messages that state a circumstance.
TOPICS_OF = {name: {*topics.split(), *GENERAL_TOPICS} for name, topics in {
    "pregnancy": "pregnancy_breastfeeding", "breastfeeding": "pregnancy_breastfeeding", "isotretinoin": "isotretinoin medications", "blood_thinner": "medications health_conditions",
    "bleeding_disorder": "health_conditions medications", "keloid": "keloids other_scars", "active_acne": "active_acne", "cold_sore": "cold_sores", "skin_condition": "skin_conditions",
    "diabetes": "health_conditions", "immunosuppressed": "health_conditions medications", "cancer_treatment": "health_conditions medications", "lesion": "moles_tattoos diagnosis_request",
    "allergy": "allergies numbing", "sunburn_tan": "sunburn_tan sun_after", "recent_treatment": "combine_treatments out_of_scope_treatment", "minor": "age",
    "heart_device": "health_conditions rf_microneedling", "skin_of_colour": "skin_tones_types pigmentation", "infection": "skin_conditions", "home_needling": "home_rollers home_needle_length home_hygiene home_vs_clinic",
    "shared_needles": "home_hygiene home_rollers urgent_symptom safety_risks choose_provider vampire_facial_safety", "numbing_misuse": "numbing", "stopping_medication": "medications isotretinoin preparation",
    "topical_on_open_skin": "skincare_after exosomes_serums combine_treatments home_rollers",
}.items()}
#: Words that carry no topic.
CONTENT = re.compile(r"\b(?:and|but|or|also|so|then|what|how|about|if|same|even|for|on|with|in|at|of|to|the|my|a|an|is|it|that|ok|okay)\b", re.I)
NUMBER = re.compile(r"^\W*(?:option |number |no\.? ?|choice |the )?(?P<n>[1-9]|first|second|third|fourth|one|two|three|four|last)(?: one| option)?\W*$", re.I)
ORDINALS = {"first": 1, "one": 1, "second": 2, "two": 2, "third": 3, "three": 3, "fourth": 4, "four": 4, "last": -1}


class Reader:
    """Reads one message into plain data (the `meaning` that travels to the action server)."""

    def __init__(self, encode, model: TopicModel, lexicon: Lexicon, thresholds: Thresholds = Thresholds(), triage: Optional[Triage] = None,
                 statements: Optional[StatementModel] = None):
        self.encode, self.model, self.lexicon, self.thresholds = encode, model, lexicon, thresholds
        self.triage, self.circumstances = triage or Triage(), Circumstances(statements)
        self.rank = functools.lru_cache(maxsize=256)(self._rank)

    def _rank(self, text: str) -> Ranked:
        """The model's ranking of one text; of a link only its words count."""
        text = LINK.sub(lambda match: match["words"] or " ", text).strip() or text
        return self.model.rank(text, self.encode(text))

    def read(self, raw: str, state: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """What `raw` asks, given what the conversation remembers (see assistant.compose.new_state)."""
        text = normalise(raw)
        if not text:
            return {"request": "blank", "questions": [], "language": "en"}
        asks = self._asks(text, state or {})
        triage = {**self.triage.find(text).as_dict(), "settled": bool(SETTLED.search(text))}
        return {**asks, "triage": triage, "circumstances": [self._aside(item, text) for item in self.circumstances.find(text) if self._likely(item, text)]}

    def _aside(self, item: Dict[str, Any], text: str) -> Dict[str, Any]:
        """The circumstance, marked `aside` when only the model sees it, in a question about something else: it is warned of, but no topic of the message."""
        if item.get("margin", VERY_SURE) >= VERY_SURE:
            return item
        asked = TOPICS_OF[item["id"]] - GENERAL_TOPICS
        return item if any(topic in asked and p >= ASIDE for topic, p in self.rank(text).topics) else {**item, "aside": True}

    def _likely(self, item: Dict[str, Any], text: str) -> bool:
        """Whether a circumstance that only the trained model sees fits what the message is about (or the model is very sure)."""
        if "margin" not in item or item["margin"] >= VERY_SURE:
            return True
        about = {topic for topic, p in self.rank(text).topics if p >= RELATED}
        return bool(about & TOPICS_OF[item["id"]])

    def _asks(self, text: str, state: Dict[str, Any]) -> Dict[str, Any]:
        if state.get("urgent") and SETTLED.search(text) and len(text.split()) <= SHORT:
            return {"language": "en", "questions": [{"text": text, "topic": "smalltalk", "confidence": 1.0, "candidates": [], "entities": {"situation": ["ok"]}, "decision": "answer"}]}
        chosen = self._choice(text, state)
        if chosen:
            return chosen
        language = detect(text)
        if language != "en":
            return {"language": language, "questions": []}
        for request, pattern in (("known", KNOWN), ("forget", FORGET)):
            if pattern.search(text) and len(text.split()) <= 20:
                return {"request": request, "questions": [], "language": "en"}
        for request, pattern in REQUESTS.items():
            if state.get("topics") and pattern.match(text):
                return {"request": request, "questions": [], "language": "en"}
        return {"language": "en", "questions": self.questions(text, state)}

    def _choice(self, text: str, state: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        choices, found = state.get("choices") or [], NUMBER.match(text)
        picked = None
        if found and choices:
            number = ORDINALS.get(found["n"].lower()) or int(found["n"])
            if -1 <= number <= len(choices) and number:
                picked = choices[number - 1 if number > 0 else -1]
        for choice in choices:
            if text.strip(" .!?").lower() == choice["title"].lower():
                picked = choice
        return chosen_meaning(picked["meaning"]) if picked else None

    def questions(self, text: str, state: Dict[str, Any]) -> List[Dict[str, Any]]:
        """The questions of a message, in order, each with its topic, its entities and what to do with it."""
        entities = self.lexicon.by_kind(text)
        if "self_harm_scars" in entities.get("condition", []) and GOES_ON.search(text):
            return [{"text": text, "topic": "crisis", "confidence": 1.0, "candidates": [], "entities": {"situation": ["self_harm_now"]}, "decision": "answer"}]
        whole = self.rank(text) if has_words(text) else None
        parts = self._split(text, whole) if whole else []
        if len(parts) == 1:
            return [self._question(*parts[0], self.lexicon.by_kind(parts[0][0]))]
        if len(parts) > 1:
            shared = {kind: values for kind, values in entities.items() if kind in ("area", "condition")}
            return [self._question(part, ranked, {**shared, **self.lexicon.by_kind(part)}) for part, ranked in parts]
        if whole is None:
            return [{"text": text, "topic": "smalltalk", "confidence": 1.0, "candidates": [], "entities": {"situation": ["emoji"]}, "decision": "answer"}]
        question = self._leaning(text, whole, entities, state) or self._question(text, whole, entities)
        asked_back = (state.get("last") or {}).get("kind") == "clarify"
        if len(text.split()) <= SHORT and (question["decision"] == "ask" or asked_back and whole.confidence < LEANING_ENDS):
            question = self._in_context(question, whole, state, asked_back) or question
        return [question]

    def _in_context(self, question: Dict[str, Any], whole: Ranked, state: Dict[str, Any], asked_back: bool) -> Optional[Dict[str, Any]]:
        """An unclear short message as an answer to "what do you mean?", or as one more question about the topic at hand."""
        likely = dict(whole.topics)
        if asked_back:
            offered = [choice.get("topic") for choice in state.get("choices") or [] if choice.get("topic")]
            together = self.rank(f"{state.get('asked') or ''} {question['text']}".strip())
            scores = {topic: p + likely.get(topic, 0.0) for topic, p in together.topics if topic in offered}
            if scores:
                best = max(scores, key=scores.get)
                return {**question, "topic": best, "decision": "answer"}
        elif likely.get(state.get("topic"), 0.0) >= IN_CONTEXT:
            return {**question, "topic": state["topic"], "decision": "answer"}
        return None

    def _split(self, text: str, whole: Ranked) -> List[tuple]:
        """The parts of a message that ask different things; one when all the rest is manners; none when the message is to be read whole.

        A part counts when the model is sure of it, when it reads like a question wherever another part does, and when the
        whole message points to its topic as well (a story mentions many topics and asks about one).
        """
        likely = {topic for topic, p in whole.topics[:6] if p >= self.thresholds.echo}
        best: List[tuple] = []
        if whole.confidence >= self.thresholds.answer and len(likely.difference(BOUNDARIES)) < 2:
            return best  # no part could count
        for parts in candidates(text):
            if not best and len(parts) == 2:
                best = self._after_manners(parts)
            asking = [part for part in parts if QUESTION.search(part)]
            kept: Dict[str, tuple] = {}
            read = asking if asking and len(parts) > 2 else parts
            for number, part in enumerate(read):
                if len(kept) + len(read) - number < max(2, len(best) + 1):
                    break  # too few are left for this way to count: ranking costs an encoding each
                rank = self.rank(part)
                sure = rank.confidence >= self.thresholds.split and (rank.best in likely or whole.confidence < self.thresholds.answer)
                if sure and rank.best not in BOUNDARIES and rank.best not in kept:
                    kept[rank.best] = (part, rank)
            if len(kept) >= 2 and len(kept) > len(best):
                best = list(kept.values())
        return best

    def _after_manners(self, parts: List[str]) -> List[tuple]:
        """The other part of "cheers. and the price?", where one of two parts is a word of thanks or a greeting."""
        if len(parts[0].split()) > 4:
            return []
        manners = self.rank(parts[0])
        if manners.best == "smalltalk" and manners.confidence >= self.thresholds.split:
            other = self.rank(parts[1])
            if other.best not in BOUNDARIES and other.confidence >= self.thresholds.answer:
                return [(parts[1], other)]
        return []

    def _question(self, text: str, ranked: Ranked, entities: Dict[str, List[str]]) -> Dict[str, Any]:
        top = [{"topic": topic, "confidence": round(p, 4)} for topic, p in ranked.topics[:4]]
        if ranked.situation:
            entities = {**entities, "situation": [ranked.situation]}
        question = {"text": text, "topic": ranked.best, "confidence": round(ranked.confidence, 4), "candidates": top, "entities": entities}
        question["decision"] = self._decide(ranked)
        if question["decision"] == "outside":
            question.update(topic=next((topic for topic, _ in ranked.topics if topic in OUTSIDE), "out_of_scope"), decision="answer")
        return question

    def _decide(self, ranked: Ranked) -> str:
        outside = sum(p for topic, p in ranked.topics if topic in OUTSIDE)
        if ranked.confidence >= self.thresholds.answer and (ranked.nearest >= self.thresholds.near or ranked.best in BOUNDARIES):
            contested = ranked.confidence < CONTESTED and outside >= OUTSIDE_ENOUGH and ranked.best not in (*BOUNDARIES, *OTHER_TREATMENTS)
            return "ask" if contested else "answer"
        inside = max((p for topic, p in ranked.topics if topic not in OUTSIDE), default=0.0)
        if outside >= self.thresholds.outside and outside > inside:
            return "outside"
        return "outside" if ranked.nearest < self.thresholds.near and ranked.confidence < self.thresholds.answer else "ask"

    def _leaning(self, text: str, whole: Ranked, entities: Dict[str, List[str]], state: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        """An elliptical follow-up: too short for a topic of its own, it names what to put into the previous question."""
        previous = state.get("topic")
        if not previous or len(text.split()) > 7:
            return None
        if previous in RECOVERY and HOW_LONG.match(text):
            return {"text": text, "topic": "downtime", "confidence": 1.0, "candidates": [], "entities": entities, "decision": "answer"}
        if previous in RECOVERY and IF_LONGER.match(text):
            return {"text": text, "topic": "post_treatment_worry", "confidence": 1.0, "candidates": [], "entities": entities, "decision": "answer"}
        named = {kind: values for kind, values in entities.items() if kind != "duration"}
        if previous in CONCERNS and whole.best in CONCERNS and whole.best != previous and "condition" in named and whole.confidence >= self.thresholds.answer:
            return None  # "and stretch marks?" is a concern of its own
        own_topic = {"treatment", "device", "medication"} & set(named) and whole.confidence >= self.thresholds.answer
        bare = not CONTENT.sub("", self.lexicon.without(text)).strip(" ?!.,'")  # nothing but the new area or condition
        if named and (bare or whole.confidence < LEANING_ENDS) and not own_topic and LEANING.match(text):
            kept = {kind: values for kind, values in (state.get("entities") or {}).items() if kind != "situation"}
            return {"text": text, "topic": previous, "confidence": 1.0, "candidates": [], "entities": {**kept, **named}, "decision": "answer"}
        return None


def chosen_meaning(meaning: Dict[str, Any]) -> Dict[str, Any]:
    """The reading that picking a choice stands for."""
    if meaning.get("form"):
        return {"request": "form", "form": meaning["form"], "questions": [], "language": "en"}
    if meaning.get("request"):
        return {"request": meaning["request"], "questions": [], "language": "en"}
    question = {"text": "", "topic": meaning["topic"], "confidence": 1.0, "candidates": [], "entities": meaning.get("entities") or {}, "decision": "answer"}
    return {"request": "choice", "questions": [question], "language": "en"}


def intent_of(meaning: Dict[str, Any]) -> str:
    """The Rasa intent that a reading stands for."""
    if response_name(meaning.get("triage") or {}):
        return "ask_urgent_symptom"
    if (meaning.get("form") or {}).get("consent") or (meaning.get("form") or {}).get("again"):
        return "ask_human_handoff"
    questions = meaning.get("questions") or []
    if questions and questions[0]["decision"] == "answer":
        return f"ask_{questions[0]['topic']}"
    return "nlu_fallback"
