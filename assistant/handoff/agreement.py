"""Whether an answer to "may the team contact you?" is a yes, a no, or neither. Details are kept on
a yes alone, so whatever is in doubt is neither.

A word that takes itself back, puts it off or says that the visitor will ring is a no wherever it
stands. A strong word ("yes", "go ahead") is a yes whatever else follows; a weak one ("ok", "great")
opens sentences of every kind, and is a yes only when nothing but courtesy, a time or details
follow.
"""

import re
from typing import Optional

from assistant.handoff.details import DIGITS, EMAIL, TIME_PHRASE, TIME_WORDS
from assistant.understanding.text import QUESTION, normalise

_OPENERS = (
    r"^\W*(?:(?:oh|well|um+|ok|okay|actually|sorry|please|hm+|thanks|hi|hello|and|fine|sure|"
    r"great)\b[\s,.!]*)*"
)
_FINE = (
    r"(?:fine|ok(?:ay)?|alright|all right|great|good|perfect|lovely|cool|no problem|not a problem|"
    r"happy)"
)
#: Words of refusing that agree: "no problem", "no I don't mind".
KINDLY = re.compile(
    rf"^\W*(?:(?:oh|well|ok|okay|yes|yeah|sure|no|nope|nah)\b[\s,]*)*(?:no (?:problem|worries|"
    rf"objections?|issues?)|not a problem|(?:that'?s |it'?s )?not? (?:a )?problem|"
    rf"(?:i )?(?:don'?t|do not|wouldn'?t|would not) mind|"
    rf"no[\s,]+i'?m (?:{_FINE}|comfortable) with (?:that|it|this))\b(?: at all| with (?:that|it)|"
    r" (?:if|when) (?:you|they) (?:do|call|ring|contact me)| being (?:called|contacted))*",
    re.I,
)
#: "No that's fine" agrees to "is that all right?" and refuses "shall I still ask them?".
NO_FINE = re.compile(
    rf"^\W*no[\s,]+(?:that|it)(?:'?s| is) (?:all |totally |absolutely |quite )?{_FINE}(?: by me|"
    r" with me)?\W*(?P<thanks>thanks?|thank you|cheers|ta)?\W*$",
    re.I,
)
REFUSES_FIRST = re.compile(
    _OPENERS
    + r"(?:no|nope|nah|not? (?:now|yet|really|thanks|today|tonight|this time|for now|for me|"
    r"at the moment|right now|just yet)|don'?t|do not|i(?:'?d| would) rather (?:not|call|ring|"
    r"you did)|rather not|i (?:(?:don'?t|do not|wouldn'?t)(?! mind)|refuse|won'?t)|"
    r"i'?m not (?:comfortable|happy|keen|ready|sure about|ok(?:ay)?)|leave it|never ?mind|later|"
    r"another time|stop|cancel|quit|👎)(?!\w)|"
    + _OPENERS
    + r"i'?m (?:good|fine|ok|okay|alright|all right)(?:[\s,]*(?:thanks?|thank you|cheers|ta|"
    r"for now|actually|as i am))*\W*$",
    re.I,
)
REFUSES = re.compile(
    r"\byou can(?:'?t|not| not)\b|\bcan(?:'?t|not) have my\b|\bforget (?:it|about it|that|this)\b|"
    r"\bnever ?mind\b|\bleave it\b|\bchanged my mind\b|\b(?:maybe|perhaps|some) (?:later|"
    r"other time|another (?:time|day)|next time)\b|\b(?:good ?)?bye\b|\bsee you\b|"
    r"\b(?:i'?ll|i will|i can|i'?d (?:rather|prefer to)|i would (?:rather|prefer to)|i prefer to|"
    r"let me|i'?m (?:going to|gonna)|i (?:want|need) to) (?:just |first |have to )?(?:(?:call|"
    r"ring|phone|contact|email|write|book|visit|pop|do|go|speak)\b.{0,24}\b(?:them|you|clinic|"
    r"myself|it|in|round)\b|think|consider|sleep on|decide|wait|pass)|"
    r"\b(?:call|ring|phone|contact|do) (?:\w+ ){0,3}myself\b|\bnot (?:call|contact|ring|phone|"
    r"keep|store|pass)\b|\b(?:don'?t|do not|won'?t) (?:want|need|like|call|ring|phone|contact|"
    r"keep|store|give|pass)\b|\bno (?:thanks|thank you|way|chance)\b|\bnot (?:happy|comfortable|"
    r"keen|interested)\b",
    re.I,
)
STRONG = re.compile(
    _OPENERS.replace("|fine|sure|great", "|fine|sure|great|yes|yeah|perfect|right|no")
    + r"(?:y(?:es+|eah|ep|up|ea|a)?\b(?!'| tho)|please do\b|go (?:ahead|for it|on)\b|"
    r"(?:i )?agreed?\b|i consent\b|i do(?=[\s,.!]*(?:please|thanks|agree|consent)?\W*$)|"
    r"of course|absolutely|definitely|certainly|by all means|"
    r"(?:i'?d|i would) (?:like|love|appreciate) (?:that|it|this|them to|you to|a call)|"
    r"(?:that|it|this)(?:'?d| would) be (?:really |very |so )?(?:great|good|lovely|nice|fine|"
    r"perfect|helpful|brilliant|wonderful|ideal|ok(?:ay)?)|"
    r"(?:that|it|this)(?:'?s| is|s) (?:all |totally |absolutely |perfectly |quite )?"
    rf"{_FINE}(?=\W*$|\s*[.,;!]| (?:by|with|for) (?:me|us)| (?:thanks|thank|please|yes|and|"
    r"if|as long|you can|they can)\b)|i'?m (?:very |quite |totally |perfectly )?(?:happy|fine|"
    r"ok(?:ay)?|good|cool) (?:with|for|to)|happy (?:with|to|for)|sounds? (?:good|fine|great|ok|"
    r"perfect)|"
    r"(?:you|they) (?:can|may) (?:call|ring|phone|contact|email|text|keep|pass|have|reach|do)|"
    r"(?:call|contact|ring|phone) me|works for me|do (?:it|that|so)\b|if you (?:like|want)|"
    r"why not\b|fine (?:by|with) me|right you are)|^\W*(?:👍|👌|✅|🆗)",
    re.I,
)
#: A strong word by itself in its clause, so that a question after it does not make it an opening:
#: "yes, and does it hurt?", but not "yeah how many do people need".
ALONE = re.compile(
    r"^\W*(?:(?:oh|well|um+|ok|okay)\b[\s,]*)?(?:yes+|yep|yup|yeah|please do|(?:i )?agree|"
    r"i consent|go ahead|of course|absolutely|definitely|certainly)(?: please| pls|"
    r" thanks)?\s*(?:[.,;!]|and\b|$)",
    re.I,
)
WEAK = re.compile(
    _OPENERS + r"(?:ok(?:ay|ie|ey)?|k|alright|all ?right|right|sure|fine|great|perfect|all good|"
    r"lovely|cool|brilliant|please|pls|wonderful|super|awesome)\b",
    re.I,
)
#: A yes that takes itself back within a few words.
DOUBT = re.compile(
    r"^\W*\w+\W+(?:[\w']+\W+){0,2}(?:no(?! (?:problem|worries|objections?|issues?))|"
    r"(?<!why )not(?! a problem)|don'?t(?! mind)|won'?t|never|can'?t)\b",
    re.I,
)
WAIT = re.compile(
    r"\b(?:question|something|ask) (?:\w+ )?first\b|\bfirst[, ]+(?:a|one|can|could|i)\b|"
    r"\bhave a (?:quick )?question\b|\bbefore (?:that|i|you|we)\b|\bhang on\b|\bhold on\b",
    re.I,
)
#: What may stand beside a weak word.
COURTESY = re.compile(
    r"\b(?:ok(?:ay|ie|ey)?|k|alright|all|right|sure|fine|great|perfect|good|lovely|cool|brilliant|"
    r"thing|then|please|pls|thanks?|thank|cheers|ta|you|are|by|with|for|me|that|thats|it|its|is|'s|"
    r"this|whatever|would|be|works?|best|better|only|just|the|on|in|at|and|or|my|"
    r"number|phone|email|mobile|name|after|before|any|time|i|am|i'm|so|very|much|super|wonderful|"
    r"awesome|mate|love|dear|yes|do|wait)\b",
    re.I,
)
#: Praise with thanks may be for the phone number that was just given.
MERE_THANKS = re.compile(
    r"^\W*(?:(?:great|perfect|lovely|cool|brilliant|good|right|wonderful|super|"
    r"awesome)\b\W*)+(?:thanks?|thank you|cheers|ta)\b",
    re.I,
)


def reading(text: str, still: bool = False) -> Optional[bool]:
    """True for a yes, False for a no, None for neither. `still`: the question was the short one,
    "shall I still ask them?"."""
    text = normalise(text)
    fine = NO_FINE.match(text)
    if fine:
        return None if still or fine["thanks"] else True
    kindly = KINDLY.match(text)
    if kindly:
        return (
            None
            if REFUSES_FIRST.match(text[kindly.end() :]) or REFUSES.search(text[kindly.end() :])
            else True
        )
    if REFUSES_FIRST.match(text) or REFUSES.search(text):
        return False
    if DOUBT.search(text) or WAIT.search(text):
        return None
    strong = STRONG.match(text)
    if strong:
        return (
            True
            if ALONE.match(text) or not QUESTION.search(text[strong.end() :].strip(" ,.!:-"))
            else None
        )
    weak = WEAK.match(text)
    if not weak or MERE_THANKS.match(text):
        return None
    rest = text[weak.end() :]
    contact = EMAIL.search(rest) or DIGITS.search(rest)
    if QUESTION.search(rest.strip(" ,.!:-")):
        return None
    bare = COURTESY.sub(
        " ", TIME_WORDS.sub(" ", TIME_PHRASE.sub(" ", DIGITS.sub(" ", EMAIL.sub(" ", rest))))
    )
    return (
        True
        if not re.search(r"\w", re.sub(r"\d+(?::\d\d)?(?:am|pm)?", " ", bare))
        or contact
        and len(bare.split()) <= 4
        else None
    )
