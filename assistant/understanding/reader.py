"""Reading a message: its language, its questions, and what it takes from the conversation so
far."""

import functools
import re
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Optional, Set

import numpy as np

from assistant.safety.assess import Triage
from assistant.safety.circumstances import Circumstances, harmful_together
from assistant.safety.crisis import BODY_IMAGE
from assistant.safety.replies import level_of, response_name
from assistant.safety.settled import eased, settled
from assistant.safety.statements import StatementModel
from assistant.safety.triage import more_urgent
from assistant.understanding import acts, follow_ups, persons
from assistant.understanding.encoder import Encoder
from assistant.understanding.language import detect
from assistant.understanding.lexicon import Lexicon
from assistant.understanding.model import Ranked, TopicModel
from assistant.understanding.reading import certain
from assistant.understanding.splitter import candidates, listed
from assistant.understanding.text import QUESTION, has_words, normalise

BOUNDARIES = (
    "out_of_scope",
    "out_of_scope_treatment",
    "smalltalk",
    "privacy",
    "feedback",
    "diagnosis_request",
    "crisis",
)
OUTSIDE = ("out_of_scope", "out_of_scope_treatment")
#: Topics whose questions name other treatments.
OTHER_TREATMENTS = ("combine_treatments", "vs_other_treatments", "vs_laser", "vs_chemical_peel")
#: Topics about the clinic, whose answers do no harm when another treatment was meant.
DESK = ("cost", "booking", "clinic_info", "insurance_financing", "human_handoff")
#: Below the first probability a topic is not answered outright when what is outside has the second:
#: "what age for baby botox".
CONTESTED, OUTSIDE_ENOUGH = 0.65, 0.1


@dataclass(frozen=True)
class Thresholds:
    """When to answer, when to ask back, when to split (config.yml, component TopicClassifier;
    measured in docs/understanding.md).

    answer: probability of the best topic from which it is answered; below it, choices are offered.
    near: cosine to the nearest training example below which a message is not about anything known.
    split: probability that each part of a message needs before the message counts as several
    questions. echo: probability that the whole message must give a part's topic.
    glance: probability of a topic, in a first look at a part where it stands in the message,
    without which the part is not read by itself. outside: probability of the two out-of-scope
    topics together from which an unclear message is turned away when no other topic has more.
    facet: lead of a specific question over the next one from which it is answered without naming
    it.
    """

    answer: float = 0.45
    near: float = 0.4
    split: float = 0.6
    echo: float = 0.001
    glance: float = 0.4
    outside: float = 0.3
    facet: float = 0.1

    @classmethod
    def of(cls, config: Dict[str, Any]) -> "Thresholds":
        return cls(**{name: config[name] for name in cls.__dataclass_fields__ if name in config})


#: Requests about the previous answer, as whole messages.
REQUESTS = {
    "why": re.compile(
        r"^(?:but |and |ok |so )*(?:why(?: (?:is|would|does|do) (?:that|it|this)(?: be| so|"
        r" matter| happen)?)?|how come|what(?:'s| is) the reason|whys that|y tho|why not|why so|"
        r"(?:are|r) (?:you|u) (?:really |quite |absolutely |very |so )?(?:sure|"
        r"certain)(?: about (?:that|this|it))?|you sure|u sure|who says(?: so| that)?|says who|"
        r"how (?:do|can|would) (?:you|u) know(?: that| this| it)?|"
        r"is (?:that|this|it) (?:really )?(?:true|correct))\W*$",
        re.I,
    ),
    "more": re.compile(
        r"^(?:ok |yes |yeah |yep |please |can you |could you |go on |and )*(?:tell me more|"
        r"more(?: detail| details| info| information| please| pls)?|go on|explain(?: more)?|"
        r"elaborate|more about (?:that|it|this)|say more|expand(?: on (?:that|it))?|"
        r"in more detail|what else)\W*(?:please|pls|about (?:that|it|this))?\W*$",
        re.I,
    ),
    "shorter": re.compile(
        r"^.{0,36}\b(?:shorter|in short|tl;?dr|too (?:much text|long|wordy)|in one sentence|"
        r"simpler|keep it (?:short|brief|simple)|short version|just the gist|"
        r"brief(?:ly)?)\b.{0,24}$",
        re.I,
    ),
    "repeat": re.compile(
        r"^.{0,16}\b(?:repeat (?:that|it|please)|say (?:that|it) again|come again|"
        r"what did you (?:just )?say|once more|again please|pardon|sorry what)\b.{0,12}$",
        re.I,
    ),
}
#: What the conversation knows of the visitor's circumstances: told again, or put aside.
KNOWN = re.compile(
    r"\b(?:what (?:do|did|have) (?:you|i|u) (?:know|remember|noted?|told?|say|said|mention(?:ed)?|"
    r"tell|got|have|keep|kept)(?: you| u)?(?: down| noted| stored)? (?:about|of|on) (?:me|"
    r"my (?:health|skin|body|medicines?|medication|condition))\b"
    r"|what have i (?:told|said to) (?:you|u)|which (?:of my )?(?:conditions?|circumstances|"
    r"health (?:facts|things)) (?:do|did) you (?:know|remember|have)|list (?:what|my) (?:you know|"
    r"circumstances|health))",
    re.I,
)
FORGET = re.compile(
    r"\b(?:do not|don['’]?t|no need to|stop) (?:keep|remember|store|hold|note|count|bear)\w*\b"
    r".{0,40}\b(?:in mind|thing|bit|part|about|that|against me)\b"
    r"|\b(?:strike|scratch|delete|drop|leave) (?:that|this|it|the \w+(?: \w+)?) "
    r"(?:bit |part |thing )?"
    r"(?:from|out of|off) (?:your|the) (?:memory|notes?|record|list)\b"
    r"|\b(?:forget|ignore|scrap|drop|disregard) the (?:\w+ ){0,3}(?:thing|bit|part|stuff)\b"
    r"|\b(?:forget|ignore|disregard|scrap|un-?remember|put aside) (?:everything |all |what |that |"
    r"the fact |the bit |the thing |my )*(?:(?:that )?(?:i|ive|i've) (?:said|told|mentioned)|"
    r"i(?:'m| am| was|'ve| have| take) (?:\w+ ){0,3}(?:pregnan\w*|breast\w*|diabet\w*|on |"
    r"taking ))"
    r"|\b(?:forget|ignore|erase|clear|remove|drop|delete|"
    r"scrap) (?:\w+ ){0,3}(?:about my (?:health|skin|medic\w+|condition|pregnancy)|"
    r"my (?:health (?:info\w*|details|facts|stuff)|circumstances|medical (?:info\w*|details|"
    r"history)))",
    re.I,
)
#: The same in short, after the list of what was told.
FORGET_THAT = re.compile(
    r"^\W*(?:please |ok |just )*(?:forget|ignore|put aside|drop|scrap) (?:that|it|"
    r"all(?: of)?(?: (?:that|it|this))?|this|them|everything)(?: please| then)?\W*$",
    re.I,
)
#: The visitor asks for themselves, whatever was told of somebody else.
FOR_ME = re.compile(
    r"\b(?:for|about|with) (?:just |only )?(?:me|myself)\b(?! and\b)|\b(?:i|me) (?:personally|"
    r"myself)\b",
    re.I,
)
FOR_MYSELF = re.compile(
    r"\b(?:me|i['’]?m|i am) (?:\w+ ){0,3}(?:wanting|having|getting|doing) "
    r"(?:this|it|mine|the treatment|needling)\b"
    r"|\bi want (?:this|it|mine|the treatment)\b",
    re.I,
)
#: Somebody else is spoken of.
ANOTHER = re.compile(
    r"\b(?:she|he|her|him|his|hers|they|them|their|theirs|we|us|our|mum|mom|mother|dad|father|"
    r"sister|"
    r"brother|wife|husband|partner|girlfriend|boyfriend|friend|daughter|son|aunt|uncle|cousin|nan|"
    r"gran|grandma|niece|nephew|mate|colleague)\b",
    re.I,
)
#: "Beard too?" asks about the beard what was asked before.
TOO = re.compile(r"\b(?:too|as well|also|either)\b", re.I)
#: Not about the subject of the conversation, but about the clinic.
IN_CLINIC = re.compile(
    r"\b(?:clinics?|salon|professional\w*|with you|you (?:guys )?(?:do|use|go)|do you)\b", re.I
)
#: Openings that lean on what was said before.
LEANING = re.compile(
    r"^(?:and|but|what about|how about|what if|also|or|so|ok(?:ay)?|then|same for|even|is that|"
    r"does that|will that|would that|how long does (?:it|that)|for|on|with|in|at|the|"
    r"no,? i mean(?:t)?|sorry,? (?:i mean(?:t)?|the)|i mean(?:t)?)\b",
    re.I,
)
#: A link, in markdown or bare, a placeholder that some form left open, a telephone number or an
#: email address.
LINK = re.compile(
    r"\{[^{}]*\}|\+?\d[\d ()/-]{7,}\d|\S+@\S+\.\w+|\[(?P<words>[^\]]*)\]\([^)]*\)|"
    r"\b(?:https?://|www\.)\S+",
    re.I,
)
#: Self-harm that goes on, said beside old scars.
GOES_ON = re.compile(
    r"\b(?:still|again|last night|yesterday|this (?:week|morning|month)|tonight|today|can'?t stop|"
    r"haven'?t stopped|every (?:day|night|week)|most (?:days|nights)|relaps\w*|fresh|new ones?)\b",
    re.I,
)
#: The visitor is going to call, after being told to or by themselves.
WILL_CALL = re.compile(
    r"^\W*(?:(?:ok(?:ay)?|alright|right|yes|yep|sure|thanks?|thank you|cheers|ta|fine|got it|"
    r"great|then)\W+){0,3}"
    r"(?:(?:i ?'?ll|i will|(?:i ?'?m )?(?:gonna|going to|about to))(?: just| then)? (?:call|ring|"
    r"phone|give)|(?:i ?'?m |i am )?(?:just )?(?:calling|ringing|phoning))"
    r"(?: (?:them|you|you guys|the clinic|my doctor|my gp|the doctor|the gp|111))?(?: (?:it in|"
    r"a (?:call|ring|bell)))?"
    r"(?: (?:right|straight|now|away|today|tomorrow|then|later|soon|in the morning|first thing|"
    r"instead))*(?: thanks?| thank you| cheers)?\W*$",
    re.I,
)
#: "That" is the redness where the talk is of recovery.
HOW_LONG = re.compile(
    r"^(?:and |so |but |ok )*(?:how long (?:does|do|will|would|is|can) (?:it|that|this|they|"
    r"the redness)\b(?: \w+){0,3}"
    r"|when (?:does|do|will|should|would) (?:it|that|this|they|the redness) (?:stop|end|"
    r"go(?: away| down)?|settle(?: down)?|fade|calm down|ease(?: off)?|clear(?: up)?|be over|"
    r"be gone|get better))\W*$",
    re.I,
)
RECOVERY = ("downtime", "side_effects", "post_treatment_worry", "aftercare")
#: What a short question asks where the talk is of something narrower: "how often?" after a roller
#: at home is no course at the clinic.
NARROWER = (
    (
        ("home_rollers", "home_needle_length", "home_hygiene", "home_vs_clinic"),
        {
            "needle_depth": "home_needle_length",
            "number_of_sessions": "home_hygiene",
            "safety_risks": "home_rollers",
            "side_effects": "home_rollers",
            "benefits": "home_rollers",
        },
    ),
    (
        ("vampire_facial", "vampire_facial_safety", "prp_vs_plain"),
        {"benefits": "prp_vs_plain", "safety_risks": "vampire_facial_safety"},
    ),
)
#: "It" is the redness here too, and longer than expected is a worry.
IF_LONGER = re.compile(
    r"^(?:and |so |but |ok )*what (?:if|when) (?:it|that|this|they|the redness|mine)(?:'s| is|'re|"
    r" are)? ?(?:goes on|lasts?|stays?|takes|still there|doesn'?t (?:go|fade|settle|stop))\b",
    re.I,
)
#: How a short follow-up begins.
FILLERS = r"^(?:and |so |but |ok(?:ay)? |well |then |right |hmm? )*"
#: What to do about what was said just now.
WHAT_NOW = re.compile(
    FILLERS + r"(?:what (?:should|do|can|must|shall|am|are) (?:i|we|she|he|they)(?: supposed to|"
    r" meant to)? do(?: then| now| next| instead| about (?:it|that|this))*|"
    r"what (?:would|do) you (?:suggest|advise|recommend)(?: then| now| i do)*|"
    r"(?:so |and )?what (?:now|next|then)|now what)\W*$",
    re.I,
)
#: Topics that "so can I have it?" and "does that matter?" ask about again; after another topic it
#: is about the circumstances told before.
SUITABILITY = (
    "candidacy",
    "age",
    "skin_tones_types",
    "contraindications",
    "pregnancy_breastfeeding",
    "isotretinoin",
    "medications",
    "active_acne",
    "cold_sores",
    "skin_conditions",
    "keloids",
    "health_conditions",
    "allergies",
    "sunburn_tan",
)
CAN_I_HAVE_IT = re.compile(
    FILLERS + r"(?:can|could|may|should) (?:i|we|she|he|they)(?: still| even| actually)? (?:have|"
    r"get|do|book|try|go ahead(?: with)?|go for)(?: it| this| that| one| the treatment|"
    r" treated)?"
    r"(?: done| then| now| still| at all| anyway| or not| safely)*\W*$",
    re.I,
)
DOES_IT_MATTER = re.compile(
    FILLERS + r"(?:(?:is|would) (?:it|that|this)(?: be)?(?: still)? (?:ok(?:ay)?|safe|alright|"
    r"fine|allowed|a problem|a no|a yes)(?: for (?:me|us|her|him|them))?(?: then| now|"
    r" or not)*"
    r"|(?:does|would|will) (?:that|this|it) (?:matter|rule (?:me|her|him) out|"
    r"stop (?:me|her|him)))\W*$",
    re.I,
)
CONCERNS = (
    "acne_scars",
    "other_scars",
    "stretch_marks",
    "pores_texture",
    "wrinkles_aging",
    "pigmentation",
    "hair_loss",
)
#: Topics that a follow-up never leans on: what is said after them is about something else.
NEVER_LEANT_ON = ("human_handoff", "urgent_symptom")
#: Most words of an elliptical follow-up.
MOST_ELLIPTICAL = 7
#: From this probability on a message is about something outside whatever was said before.
OUTSIDE_FOR_SURE = 0.6
#: A message of at most so many words is read together with what was asked before, when it is
#: unclear by itself.
SHORT = 9
#: Least probability that a topic of the conversation needs to be taken for what an unclear short
#: message means.
IN_CONTEXT = 0.08
#: From this probability on, what is said instead of a choice is a question of its own.
OWN_QUESTION = 0.6
#: The same for a topic that was offered as a next question.
OFFERED = 0.2
#: From this probability on, a short message has a topic of its own whatever was said before.
LEANING_ENDS = 0.75
#: How much so many of the thing just priced are.
OF_THOSE = re.compile(
    r"\b(?:\d{1,2}|two|three|four|five|six|ten|a course|both|all) (?:of (?:those|them|these|it)|"
    r"goes|sessions)\b",
    re.I,
)
#: Circumstances that are something a person does, and the words for a person.
DEEDS_OF_SOMEBODY = ("home_needling", "topical_on_open_skin", "numbing_misuse", "immunosuppressed")
#: Of these, what a question speaks of without anybody doing it.
MERELY_ASKED = ("home_needling",)
SOMEBODY = re.compile(
    r"^(?:was |been )?(?:thinking (?:of|about)|planning|tempted|hoping|considering|wanting)\b|"
    r"\b(?:i|i['’]?m|i['’]?ve|i['’]?d|i['’]?ll|im|ive|ill|id|my|me|mine|myself|we|our|us|gonna|"
    r"she|he|her|him|"
    r"his|they|them|their|mum|mom|dad|sister|brother|wife|husband|partner|friend|daughter|son|"
    r"mate)\b",
    re.I,
)
PASSED_ON = re.compile(
    r"\b(?:spread\w*|catch\w*|caught|transmi\w+|pass(?:ed|es)? on|infect(?:s|ed|ing)?|cases?|"
    r"outbreak|stor(?:y|ies)|news|from (?:prp|blood|needles|it))\b",
    re.I,
)
#: Margin from which a circumstance counts whatever the message is about; else one of its topics
#: must have this probability at least.
VERY_SURE, RELATED = 0.8, 0.15
#: Probability of its topics below which a circumstance is told on the way to a question about
#: something else.
ASIDE = 0.04
#: Topics in which any circumstance may be told.
GENERAL_TOPICS = frozenset(("candidacy", "contraindications"))
#: Topics of messages that state a circumstance.
TOPICS_OF = {
    name: {*topics.split(), *GENERAL_TOPICS}
    for name, topics in {
        "pregnancy": "pregnancy_breastfeeding",
        "breastfeeding": "pregnancy_breastfeeding",
        "isotretinoin": "isotretinoin medications",
        "blood_thinner": "medications health_conditions",
        "bleeding_disorder": "health_conditions medications",
        "keloid": "keloids other_scars",
        "active_acne": "active_acne",
        "cold_sore": "cold_sores",
        "skin_condition": "skin_conditions",
        "diabetes": "health_conditions",
        "immunosuppressed": "health_conditions medications",
        "cancer_treatment": "health_conditions medications",
        "lesion": "moles_tattoos diagnosis_request",
        "allergy": "allergies numbing",
        "sunburn_tan": "sunburn_tan sun_after",
        "recent_treatment": "combine_treatments out_of_scope_treatment",
        "minor": "age",
        "heart_device": "health_conditions rf_microneedling",
        "skin_of_colour": "skin_tones_types pigmentation",
        "infection": "skin_conditions",
        "home_needling": "home_rollers home_needle_length home_hygiene home_vs_clinic",
        "shared_needles": (
            "home_hygiene home_rollers urgent_symptom safety_risks choose_provider"
            " vampire_facial_safety"
        ),
        "numbing_misuse": "numbing",
        "stopping_medication": "medications isotretinoin preparation",
        "topical_on_open_skin": "skincare_after exosomes_serums combine_treatments home_rollers",
    }.items()
}


def topics_of(circumstance: str) -> Set[str]:
    """The topics about a circumstance; of one that is new here, those that speak of every one."""
    return TOPICS_OF.get(circumstance, set(GENERAL_TOPICS))


#: A question that points back to what was said before it, in so many words at most; or hardly a
#: question by itself.
BACK = re.compile(
    r"\b(?:it|its|it's|that|thats|that's|this|them|they|those|these|one|either|who's right)\b|"
    r"^\W*(?:\w+\W*){1,2}$|\b(?:should|can|could|shall|may|will) (?:i|we|she|"
    r"he)\b(?: \w+){0,3}\W*$",
    re.I,
)
MOST_BACK = 8
VAGUE = (
    "candidacy",
    "contraindications",
    "safety_risks",
    "side_effects",
    "benefits",
    "conditions_treated",
    "results_longevity",
)
#: Probability from which two questions of a message count by themselves alone ("is it as good as a
#: peel and does it cost less").
PLAINLY = 0.8
#: Topics that a ranking lists.
RANKING = 10
#: Probability of a topic that a ranking does not list.
LEAST = 1e-4
#: A part of a message that tells something: a few words with a verb in it.
STATEMENT = re.compile(
    r"^(?=(?:\S+\s+){3,}).*\b(?:am|is|are|was|were|\w+['’](?:s|m|re|ve|d)|im|ive|have|has|had|got|"
    r"gave|give[sn]?|did|didn['’]?t|don['’]?t|want\w*|need\w*|like[sd]?|went|going|said|says|told|"
    r"tell[s]?|felt|feels?|looks?|think\w*|thought|keeps?|kept|uses?|used|takes?|took|"
    r"love[sd]?|hates?|"
    r"came|comes?|made|makes|bought|booked|lives?|works?|worked|goes|can['’]?t|\w{3,}ed)\b",
    re.I | re.S,
)
#: A question inside a part that begins otherwise: "im 17 am i allowed".
INSIDE = re.compile(
    r"\b(?:am|can|could|is|are|do|does|will|would|should|may) (?:i|it|he|she|we|you|u|they|that|"
    r"this|there|my)\b|\b(?:how (?:long|much|many|often|soon)|what|when|which)\b",
    re.I,
)
#: "Which hurts less, that or a laser?" is one question.
ONE_COMPARISON = re.compile(
    r"^\W*(?:(?:and|so|but|ok|then)\W+)*(?:which|what|who)\b[^?]*\b(?:or|vs|versus)\b[^?]*\W*$",
    re.I,
)
#: Words that carry no topic.
CONTENT = re.compile(
    r"\b(?:and|but|or|also|so|then|too|either|as well|what|how|about|if|same|even|for|on|with|in|"
    r"at|of|to|the|my|a|an|is|it|that|ok|okay)\b",
    re.I,
)
NUMBER = re.compile(
    r"^\W*(?:option |number |no\.? ?|choice |the )?(?P<n>[1-9]|first|second|third|fourth|one|two|"
    r"three|four|last)(?: one| option)?\W*$",
    re.I,
)
ORDINALS = {
    "first": 1,
    "one": 1,
    "second": 2,
    "two": 2,
    "third": 3,
    "three": 3,
    "fourth": 4,
    "four": 4,
    "last": -1,
}


#: Acts that one of a topic's situations answers.
SAID_BY_A_TOPIC = {
    "complain": ("human_handoff", "complaint"),
    "settled": ("smalltalk", "settled"),
}


def without_links(text: str) -> str:
    """Of a link only its words."""
    return (
        re.sub(r" {2,}", " ", LINK.sub(lambda match: match["words"] or " ", text)).strip() or text
    )


class Reader:
    """Reads one message into plain data (the `meaning` that travels to the action server)."""

    def __init__(
        self,
        encoder: Encoder,
        model: TopicModel,
        lexicon: Lexicon,
        thresholds: Thresholds = Thresholds(),
        triage: Optional[Triage] = None,
        statements: Optional[StatementModel] = None,
    ):
        self.encoder = encoder
        self.model = model
        self.lexicon = lexicon
        self.thresholds = thresholds
        self.acts = acts.shared()
        self.triage, self.circumstances = triage or Triage(), Circumstances(statements)
        self.rank = functools.lru_cache(maxsize=256)(self._rank)

    def _rank(self, text: str) -> Ranked:
        """The model's ranking of one text; of a link only its words count."""
        text = without_links(text)
        return self._ranked(text, self.encoder.encode(text))

    def _ranked(self, text: str, vector: np.ndarray) -> Ranked:
        """The model's ranking with the acts apart: their probabilities, and the topics as if there
        were no acts."""
        ranked = self.model.rank(text, vector, RANKING + len(self.acts.rules))
        likely = {name: p for name, p in ranked.topics if name in self.acts.rules}
        rest = max(1.0 - sum(likely.values()), LEAST)
        topics = [(name, min(p / rest, 1.0)) for name, p in ranked.topics if name not in likely]
        return replace(ranked, topics=topics[:RANKING], acts=likely)

    def read(self, raw: str, state: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """What `raw` asks, given what the conversation remembers (see
        assistant.compose.new_state)."""
        text = self.triage.spelled(normalise(raw))
        if not text:
            return {"request": "blank", "questions": [], "language": "en"}
        asks, crisis = self._asks(text, state or {}), self._crisis(text)
        if crisis and not asks.get("request"):
            asks = {"language": "en", "questions": [certain(text, "crisis", crisis)]}
        stated = [
            self._aside(item, text)
            for item in self.circumstances.find(text)
            if self._likely(item, text)
        ]
        stated += persons.taken_back(text, (state or {}).get("circumstances") or {})
        found = more_urgent(
            self.triage.find(text),
            harmful_together(stated, (state or {}).get("circumstances") or {}),
        )
        if not found.crisis:
            found = replace(found, crisis=crisis_in(asks.get("questions", [])))
        return {
            **asks,
            "triage": {
                **found.as_dict(),
                "eased": eased(text),
                "settled": (
                    settled(text, (state or {}).get("urgent"))
                    or self.triage.foreign.settled(text)
                    or asks.get("act") == "settled"
                ),
            },
            "circumstances": stated,
            "for_me": bool(FOR_ME.search(text) or FOR_MYSELF.search(text)),
            "of_another": bool(ANOTHER.search(text)),
        }

    def _crisis(self, text: str) -> Optional[str]:
        """The situation of the crisis that an English message tells of."""
        if not has_words(text) or detect(text) != "en":
            return None
        ranked = self.rank(text)
        share = dict(ranked.topics).get("crisis", 0.0)
        return self.triage.crisis.situation(text, share, ranked.situations.get("crisis"))

    def _aside(self, item: Dict[str, Any], text: str) -> Dict[str, Any]:
        """The circumstance, marked `aside` when only the model sees it, in a question about
        something else: it is warned of, but no topic of the message."""
        if item.get("margin", VERY_SURE) >= VERY_SURE:
            return item
        asked = topics_of(item["id"]) - GENERAL_TOPICS
        return (
            item
            if any(topic in asked and p >= ASIDE for topic, p in self.rank(text).topics)
            else {**item, "aside": True}
        )

    def _likely(self, item: Dict[str, Any], text: str) -> bool:
        """Whether a circumstance that only the trained model sees fits what the message is about
        (or the model is very sure)."""
        if (
            item["id"] == "immunosuppressed"
            and PASSED_ON.search(text)
            and not SOMEBODY.search(text)
        ):
            return False  # how HIV is passed on, not who has it
        general = "margin" in item or item["id"] in MERELY_ASKED and QUESTION.search(text)
        if item["id"] in DEEDS_OF_SOMEBODY and general and not SOMEBODY.search(text):
            return False  # a question in general: nobody does it
        if "margin" not in item:
            return True
        if item["margin"] >= VERY_SURE:
            return True
        about = {topic for topic, p in self.rank(text).topics if p >= RELATED}
        return bool(about & topics_of(item["id"]))

    def _asks(self, text: str, state: Dict[str, Any]) -> Dict[str, Any]:
        if (
            state.get("topics")
            and WILL_CALL.match(text)
            or state.get("urgent")
            and settled(text, state["urgent"])
            and len(text.split()) <= SHORT
        ):
            return {
                "language": "en",
                "questions": [certain(text, "smalltalk", "ok")],
            }
        chosen = self._choice(text, state)
        if chosen:
            return chosen
        about = persons.request(text, state)
        if about:
            return {"request": about, "questions": [], "language": "en"}
        listed = state.get("topics") == ["privacy"] and bool(state.get("circumstances"))
        act = None if listed and FORGET_THAT.match(text) else self._act(text, state)
        if act:
            return act
        language = detect(text)
        if language != "en":
            return {"language": language, "questions": []}
        for request, pattern in (("known", KNOWN), ("forget", FORGET)):
            if (
                pattern.search(text)
                and len(text.split()) <= 20
                or request == "forget"
                and listed
                and FORGET_THAT.match(text)
            ):
                return {"request": request, "questions": [], "language": "en"}
        for request, pattern in REQUESTS.items():
            if state.get("topics") and pattern.match(text):
                return {"request": request, "questions": [], "language": "en"}
        questions = self.questions(text, state)
        if state.get("topics") and asks_again(questions):
            return {"request": "explain", "questions": [], "language": "en"}
        return {"language": "en", "questions": questions}

    def _act(self, text: str, state: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        """The reading of a message that does something in the conversation and asks nothing."""
        if not has_words(text):
            return None
        act = self.acts.believed(text, self.rank(text).acts, state)
        eases = act == "settled" and state.get("urgent") == "emergency" and eased(text)
        if act is None or eases:
            return None  # an emergency is not settled by feeling better
        if act in SAID_BY_A_TOPIC:
            topic, situation = SAID_BY_A_TOPIC[act]
            return {"language": "en", "act": act, "questions": [certain(text, topic, situation)]}
        return {"language": "en", "act": act, "request": act, "questions": []}

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
        return chosen_meaning(picked["meaning"], picked["title"]) if picked else None

    def questions(self, text: str, state: Dict[str, Any]) -> List[Dict[str, Any]]:
        """The questions of a message, in order, each with its topic, its entities and what to do
        with it."""
        entities = self.lexicon.by_kind(text)
        if "self_harm_scars" in entities.get("condition", []) and GOES_ON.search(text):
            return [certain(text, "crisis", "self_harm_now")]
        whole = self.rank(text) if has_words(text) else None
        parts = self._split(text, whole) if whole else []
        if len(parts) == 1:
            return [self._question(*parts[0], self.lexicon.by_kind(parts[0][0]))]
        if len(parts) > 1:
            shared = {
                kind: values for kind, values in entities.items() if kind in ("area", "condition")
            }
            questions = [
                self._question(part, ranked, {**shared, **self.lexicon.by_kind(part)})
                for part, ranked in parts
            ]
            return [
                questions[0],
                *(
                    self._narrower(question, {"topic": before["topic"]})
                    for before, question in zip(questions, questions[1:])
                ),
            ]
        if whole is None:
            return [certain(text, "smalltalk", "emoji")]
        question = (
            self._leaning(text, whole, entities, state)
            or self._elsewhere(text, whole, entities, state)
            or self._followed(text, whole, entities, state)
            or self._substituted(text, whole, entities, state)
            or self._narrower(self._question(text, whole, entities), state)
        )
        asked_back = (state.get("last") or {}).get("kind") == "clarify"
        if len(text.split()) <= SHORT and (
            question["decision"] == "ask" or asked_back and whole.confidence < LEANING_ENDS
        ):
            question = self._in_context(question, whole, state, asked_back) or question
        return [question]

    @staticmethod
    def _narrower(question: Dict[str, Any], state: Dict[str, Any]) -> Dict[str, Any]:
        """A short question without a subject of its own, as a question about the narrower subject
        of the conversation."""
        if (
            len(question["text"].split()) > SHORT
            or {"treatment", "device"} & set(question["entities"])
            or IN_CLINIC.search(question["text"])
        ):
            return question
        for topics, instead in NARROWER:
            if state.get("topic") in topics and question["topic"] in instead:
                return {**question, "topic": instead[question["topic"]], "decision": "answer"}
        return question

    def _in_context(
        self, question: Dict[str, Any], whole: Ranked, state: Dict[str, Any], asked_back: bool
    ) -> Optional[Dict[str, Any]]:
        """An unclear short message as an answer to "what do you mean?", or as one more question
        about the topic at hand."""
        likely = dict(whole.topics)
        if asked_back:
            offered = [
                choice.get("topic") for choice in state.get("choices") or [] if choice.get("topic")
            ]
            if (
                question["decision"] == "answer"
                and question["topic"] not in offered
                and whole.confidence >= OWN_QUESTION
            ):
                return None
            together = self.rank(f"{state.get('asked') or ''} {question['text']}".strip())
            scores = {
                topic: p + likely.get(topic, 0.0)
                for topic, p in together.topics
                if topic in offered
            }
            if scores:
                best = max(scores, key=scores.get)
                return {**question, "topic": best, "decision": "answer"}
            return None
        talked_of = {
            state.get("topic"),
            *(topic for topic in state.get("topics") or [] if topic not in BOUNDARIES),
        }
        offered = {choice.get("topic") for choice in state.get("choices") or []} - talked_of
        scores = {
            topic: likely.get(topic, 0.0) / (IN_CONTEXT if topic in talked_of else OFFERED)
            for topic in talked_of | offered
        }
        best = max(scores, key=scores.get)
        return {**question, "topic": best, "decision": "answer"} if scores[best] >= 1 else None

    def _split(self, text: str, whole: Ranked) -> List[tuple]:
        """The parts of a message that ask different things; one when all the rest is manners; none
        when the message is to be read whole.

        A part counts when the model is sure of it, when it reads like a question wherever another
        part does, and when the whole message points to its topic as well (a story mentions many
        topics and asks about one) or the part asks for it where it stands. Reading a part by itself
        costs an encoding, so that it is looked at where it stands first.
        """
        if ONE_COMPARISON.match(text):
            return []
        items = self._listed(text)
        if len(items) > 1:
            return items
        likely = {topic for topic, p in whole.topics[:6] if p >= self.thresholds.echo}
        unsure = whole.confidence < self.thresholds.answer
        single = not unsure and len(likely.difference(BOUNDARIES)) < 2
        best: List[tuple] = []
        for parts in candidates(text):
            if not single and not best and len(parts) == 2:
                best = self._after_manners(parts)
            parts = self._asked_of(parts)
            if len(parts) < 2:
                continue
            asking = [part for part in parts if QUESTION.search(part)]
            if single and asking in ([], parts[:1]):
                continue  # one question, asked by its beginning
            read, least = asking if asking and len(parts) > 2 else parts, max(2, len(best) + 1)
            seen = self._glance(text, read, least)
            # Two questions, of which the first may drown the other where it stands.
            plain = seen is None and len(asking) == len(read) == 2
            if seen is None and not plain:
                continue
            back = (
                asking[0]
                if len(asking) == 1
                and asking[0] is not read[0]
                and BACK.search(asking[0])
                and len(asking[0].split()) <= MOST_BACK
                else None
            )
            kept: Dict[str, tuple] = {}
            for number, (part, there) in enumerate(zip(read, seen or [None] * len(read))):
                if len(kept) + len(read) - number < least:
                    break  # too few are left for this way to count
                rank = self.rank(part) if there is None else together(self.rank(part), there)
                if part is back and rank.best in VAGUE:
                    continue  # "would it make it worse?" asks about what was stated before it
                pointed = (
                    plain or unsure or rank.best in likely or part in asking and there is not None
                )
                if (
                    pointed
                    and rank.confidence >= (PLAINLY if plain else self.thresholds.split)
                    and rank.best not in BOUNDARIES
                    and rank.best not in kept
                ):
                    kept[rank.best] = (part, rank)
            if len(kept) >= 2 and len(kept) > len(best):
                best = list(kept.values())
        return best

    def _listed(self, text: str) -> List[tuple]:
        """The questions of a message that lists them, each read by itself."""
        kept: Dict[str, tuple] = {}
        for item in listed(text):
            rank = self.rank(item)
            if rank.best not in BOUNDARIES and rank.confidence >= self.thresholds.answer:
                kept.setdefault(rank.best, (item, rank))
        return list(kept.values())

    def _asked_of(self, parts: List[str]) -> List[str]:
        """The parts that may ask something: where one asks, statements are only its context, and
        an area named by itself belongs to the question beside it."""
        asking = [part for part in parts if QUESTION.search(part)]
        return [
            part
            for part in parts
            if part in asking
            or not (
                asking
                and STATEMENT.search(part)
                and not INSIDE.search(part)
                or self._only_areas(part)
            )
        ]

    def _only_areas(self, text: str) -> bool:
        """Whether a text names parts of the body and nothing else."""
        named = self.lexicon.by_kind(text)
        rest = CONTENT.sub("", self.lexicon.without(text)).strip(" ?!.,'-")
        return (
            set(named) == {"area"}
            and not re.sub(r"(?i)plus|just|whole|full|only", "", rest).strip()
        )

    def _glance(self, text: str, parts: List[str], least: int) -> Optional[List[Optional[Ranked]]]:
        """What each part asks where it stands in the message (None: the encoder does not read so
        far); None when fewer than `least` parts point to a topic, or all to the same."""
        places, end = [], 0
        for part in parts:
            start = max(text.find(part, end), 0)
            end = start + len(part)
            places.append((start, end))
        seen: List[Optional[Ranked]] = [None for _ in parts]
        pointing: List[Set[str]] = []
        blind = 0
        # The shortest first: a mere fragment ends the search.
        for done, number in enumerate(sorted(range(len(parts)), key=lambda n: len(parts[n]))):
            if len(pointing) + blind + len(parts) - done < least:
                return None
            vector = self.encoder.part(text, *places[number])
            if vector is None:
                blind += 1
            else:
                seen[number] = self._ranked(without_links(parts[number]), vector)
                topics = {
                    topic
                    for topic, p in seen[number].topics
                    if p >= self.thresholds.glance and topic not in BOUNDARIES
                }
                pointing += [topics] if topics else []
        return (
            seen
            if len(pointing) + blind >= least and (blind or len(set().union(*pointing)) > 1)
            else None
        )

    def _after_manners(self, parts: List[str]) -> List[tuple]:
        """The other part of "cheers. and the price?", where one of two parts is a word of thanks or
        a greeting."""
        if len(parts[0].split()) > 4:
            return []
        manners = self.rank(parts[0])
        if manners.best == "smalltalk" and manners.confidence >= self.thresholds.split:
            other = self.rank(parts[1])
            if other.best not in BOUNDARIES and other.confidence >= self.thresholds.answer:
                return [(parts[1], other)]
        return []

    def _question(
        self, text: str, ranked: Ranked, entities: Dict[str, List[str]]
    ) -> Dict[str, Any]:
        if ranked.best == "crisis" and ranked.situation == BODY_IMAGE:
            return certain(text, "smalltalk", "self_conscious")  # a feeling is met with warmth
        ranked = without_crisis(ranked)
        top = [{"topic": topic, "confidence": round(p, 4)} for topic, p in ranked.topics[:4]]
        if ranked.situation:
            entities = {**entities, "situation": [ranked.situation]}
        sure = ranked.margins.get(ranked.best, 1.0) >= self.thresholds.facet
        question = {
            "text": text,
            "topic": ranked.best,
            "confidence": round(ranked.confidence, 4),
            "candidates": top,
            "entities": entities,
            **({} if sure else {"unsure": True}),
        }
        question["decision"] = self._decide(ranked)
        if question["decision"] == "outside":
            question.update(
                topic=next(
                    (topic for topic, _ in ranked.topics if topic in OUTSIDE), "out_of_scope"
                ),
                decision="answer",
            )
        return question

    def _decide(self, ranked: Ranked) -> str:
        outside = sum(p for topic, p in ranked.topics if topic in OUTSIDE)
        if ranked.confidence >= self.thresholds.answer and (
            ranked.nearest >= self.thresholds.near or ranked.best in BOUNDARIES
        ):
            contested = (
                ranked.confidence < CONTESTED
                and outside >= OUTSIDE_ENOUGH
                and ranked.best not in (*BOUNDARIES, *OTHER_TREATMENTS, *DESK)
            )
            return "ask" if contested else "answer"
        inside = max((p for topic, p in ranked.topics if topic not in OUTSIDE), default=0.0)
        if outside >= self.thresholds.outside and outside > inside:
            return "outside"
        return (
            "outside"
            if ranked.nearest < self.thresholds.near and ranked.confidence < self.thresholds.answer
            else "ask"
        )

    def _leaning(
        self, text: str, whole: Ranked, entities: Dict[str, List[str]], state: Dict[str, Any]
    ) -> Optional[Dict[str, Any]]:
        """An elliptical follow-up in one of the forms that everybody uses: "how long does it
        last?", "so can I have it?", "what now?"."""
        previous = state.get("topic")
        if not previous or len(text.split()) > MOST_ELLIPTICAL:
            return None
        if previous == "cost" and OF_THOSE.search(text):
            kept = {**(state.get("entities") or {}), **entities}
            return {**certain(text, "cost", entities=kept), "leaning": True}
        if previous in RECOVERY and HOW_LONG.match(text):
            return certain(text, "downtime", entities=entities)
        if previous in RECOVERY and IF_LONGER.match(text):
            return certain(text, "post_treatment_worry", entities=entities)
        suitable = CAN_I_HAVE_IT.match(text)
        if suitable and previous not in SUITABILITY and state.get("circumstances"):
            return certain(text, "candidacy", entities=entities)
        if (
            WHAT_NOW.match(text)
            or previous in SUITABILITY
            and (suitable or DOES_IT_MATTER.match(text))
        ):
            return certain(text, previous, entities=entities)
        return None

    def _followed(
        self, text: str, whole: Ranked, entities: Dict[str, List[str]], state: Dict[str, Any]
    ) -> Optional[Dict[str, Any]]:
        """A short message as a specific question about what was asked before it."""
        before = state.get("question")
        talked_of = [
            topic
            for topic in state.get("topics") or []
            if topic not in BOUNDARIES and topic not in NEVER_LEANT_ON
        ]
        outside = whole.best in BOUNDARIES and whole.confidence >= OUTSIDE_FOR_SURE
        # "It is flat and eight years old" tells more of what was asked before.
        outside = outside and (whole.best not in OUTSIDE or bool(QUESTION.search(text)))
        asked_back = (state.get("last") or {}).get("kind") == "clarify"
        long = len(text.split()) > follow_ups.MOST_WORDS
        if not talked_of or outside or asked_back or long:
            return None
        texts = [text, follow_ups.joined(before, text)] if before else [text]
        readings = [(self.rank(each), self.encoder.encode(without_links(each))) for each in texts]
        found = follow_ups.find(
            self.model.facets, readings, talked_of, state.get("told_last") or ()
        )
        if found is None or found.topic not in talked_of and found.topic == whole.best:
            return None  # a question of its own
        asked = certain(text, found.topic, found.situation, entities)
        question = {**asked, "followed": True}
        sure = found.margin >= self.thresholds.facet
        return question if sure else {**question, "unsure": True}

    def _elsewhere(
        self, text: str, whole: Ranked, entities: Dict[str, List[str]], state: Dict[str, Any]
    ) -> Optional[Dict[str, Any]]:
        """ "And on the neck?": nothing but another part of the body, put into the last question."""
        return self._substituted(text, whole, entities, state) if self._only_areas(text) else None

    def _substituted(
        self, text: str, whole: Ranked, entities: Dict[str, List[str]], state: Dict[str, Any]
    ) -> Optional[Dict[str, Any]]:
        """An elliptical follow-up that names what to put into the previous question."""
        previous = state.get("topic")
        if not previous or len(text.split()) > MOST_ELLIPTICAL:
            return None
        named = {kind: values for kind, values in entities.items() if kind != "duration"}
        if (
            previous in CONCERNS
            and whole.best in CONCERNS
            and whole.best != previous
            and "condition" in named
            and whole.confidence >= self.thresholds.answer
        ):
            return None  # "and stretch marks?" is a concern of its own
        own_topic = {"treatment", "device", "medication"} & set(
            named
        ) and whole.confidence >= self.thresholds.answer
        # Nothing but the new area or condition.
        bare = not CONTENT.sub("", self.lexicon.without(text)).strip(" ?!.,'")
        if (
            named
            and (bare or whole.confidence < LEANING_ENDS)
            and not own_topic
            and (LEANING.match(text) or bare and TOO.search(text))
        ):
            kept = {
                kind: values
                for kind, values in (state.get("entities") or {}).items()
                if kind != "situation"
            }
            return {**certain(text, previous, entities={**kept, **named}), "leaning": True}
        return None


def without_crisis(ranked: Ranked) -> Ranked:
    """The ranking as if there were no crisis, which is found apart (assistant.safety.crisis)."""
    share = dict(ranked.topics).get("crisis", 0.0)
    rest = max(1.0 - share, LEAST)
    topics = [(topic, min(p / rest, 1.0)) for topic, p in ranked.topics if topic != "crisis"]
    return replace(ranked, topics=topics) if topics else ranked


def together(alone: Ranked, there: Ranked) -> Ranked:
    """One ranking of two of the same words, by themselves and where they stand: the geometric mean
    of the probabilities, which add up to 1 again."""
    first, second = dict(alone.topics), dict(there.topics)
    mixed = {
        topic: (first.get(topic, LEAST) * second.get(topic, LEAST)) ** 0.5
        for topic in {**first, **second}
    }
    whole = sum(mixed.values())
    topics = sorted(((topic, p / whole) for topic, p in mixed.items()), key=lambda item: -item[1])
    return Ranked(topics, {**there.situations, **alone.situations}, alone.nearest)


def asks_again(questions: List[Dict[str, Any]]) -> bool:
    """Whether a message asks to have the last answer once more, or in other words."""
    return [
        (question["topic"], (question.get("entities") or {}).get("situation"))
        for question in questions
    ] == [("feedback", ["repeat"])]


def crisis_in(questions: List[Dict[str, Any]]) -> Optional[str]:
    """The situation of the crisis that a message tells of, "general" where it is none of those
    known, None where it tells of none."""
    told = next(
        (
            question
            for question in questions
            if question["topic"] == "crisis" and question["decision"] == "answer"
        ),
        None,
    )
    return told and ((told.get("entities") or {}).get("situation") or ["general"])[0]


def chosen_meaning(meaning: Dict[str, Any], title: str = "") -> Dict[str, Any]:
    """The reading that picking a choice with this title stands for."""
    if meaning.get("form"):
        return {"request": "form", "form": meaning["form"], "questions": [], "language": "en"}
    if meaning.get("request"):
        return {"request": meaning["request"], "questions": [], "language": "en"}
    chosen = certain("", meaning["topic"], entities=meaning.get("entities"))
    question = {**chosen, "title": title}
    return {"request": "choice", "questions": [question], "language": "en"}


def intent_of(meaning: Dict[str, Any]) -> str:
    """The Rasa intent that a reading stands for."""
    said_first = response_name(meaning.get("triage") or {})
    if said_first:
        return "ask_urgent_symptom" if level_of(said_first) else "ask_crisis"
    if (meaning.get("form") or {}).get("consent") or (meaning.get("form") or {}).get("again"):
        return "ask_human_handoff"
    if meaning.get("request") in acts.names():
        return meaning["request"]
    questions = meaning.get("questions") or []
    if questions and questions[0]["decision"] == "answer":
        return f"ask_{questions[0]['topic']}"
    return "nlu_fallback"
