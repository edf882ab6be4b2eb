"""Whether a visitor says that what was told of a danger sign is being taken care of (other
languages: languages.py)."""

import re
from typing import Optional

#: The visitor says that they were seen or that help is there or on its way, or writes the words
#: that the reminder asks for: enough for an emergency. Feeling better is not: an allergic reaction
#: comes back.
SEEN = re.compile(
    r"\b(?:doctors?|gp|nurse|surgery|pharmacist|hospital|a&e|they|he|she|paramedics?)(?: has|'s|"
    r"'ve| have)? (?:already |just |now )?(?:saw|seen|checked|examined|looked at|treated|"
    r"admitted) (?:me|it|us|her|him)\b"
    r"|\b(?:been|went|gone|just back from) (?:back )?(?:to )?(?:the |my |an? )?(?:doctors?|gp|a&e|"
    r"er|hospital|urgent care|emergency room)\b"
    r"|\b(?:i'?ve|ive|i have|i was|i'?m|im|she'?s|he'?s|she was|he was|we'?ve|it'?s|its) (?:been |"
    r"just |already |now |being )*(?:seen|treated|checked over|admitted)\b(?! (?:a|an|the|that|it|"
    r"this|something|your|my|you|better)\b)"
    r"|\b(?:i'?m|im|i am|we'?re|we are|she'?s|he'?s|they'?re) (?:now |here |already |"
    r"on (?:my|our|her|his|the) way )*(?:at|in|to) (?:the |an? )?(?:a&e|er|hospital|urgent care|"
    r"emergency room|doctor'?s?|ambulance)\b"
    r"|\bambulance(?: is|'s| has| came| just)* (?:here|coming|arrived|on (?:its|the) way|took)\b|"
    r"\b(?:paramedics?|they|help)(?: is| are|'re| have|'s)? (?:here|coming|arrived|"
    r"on (?:their|its|the) way)\b"
    r"|\b(?:i|we|she|he|somebody|someone|my \w+)(?:'ve|ve| have| has|'s)? (?:just |"
    r"already )?(?:called|rung|rang|phoned|dialled|dialed) (?:an ambulance|an? emergency number|"
    r"999|911|112|000|emergency services)\b"
    r"|\b(?:it'?s|it is|its|that'?s|all) (?:all |been )?(?:settled|sorted|dealt with|"
    r"been seen)\b(?! down)",
    re.I,
)
#: The same or less for what can wait for a doctor of today: it is fine again, or they are being
#: called.
SETTLED = re.compile(
    SEEN.pattern + r"|\b(?:been|went|gone) (?:back )?to (?:the |my |a )?pharmacist\b"
    r"|\b(?:i'?m|im|i am|she'?s|he'?s) (?:all |totally |completely )?(?:fine|ok|"
    r"okay|better|good|alright|treated) now\b|\b(?:it'?s|it is|its|that'?s|"
    r"all) (?:ok|better|fine) now\b|\bsettled\b"
    r"|\b(?:i'?ve|ive|i have|she'?s|he'?s)(?: just| already)* (?:called|rung|"
    r"phoned)\b|\b(?:calling|ringing|phoning|on the phone)\b",
    re.I,
)
#: A sign has eased. That settles no emergency: an allergic reaction comes back, and sight or speech
#: that was lost for a while has to be looked at all the same (triage table, rows 1 to 7).
EASED = re.compile(
    r"\b(?:eas(?:ed|ing|ier)|(?:feel(?:s|ing)?|is|it'?s|'?m|getting|bit|much|lot|little|"
    r"already|now) better|calm(?:ed|er|ing)(?: down)?|gone(?: down| away| again)?|"
    r"(?:going|went|came|coming) (?:down|away|off)|clear(?:ed|er|ing)?|passed|stopped|wor[en] off|"
    r"subsid\w+|back to normal|normal again|less (?:swollen|tight|sore|bad|blurr\w+)|"
    r"(?:can|could) (?:see|breathe|speak|talk|swallow|move|feel) (?:again|now|fine|ok(?:ay)?|"
    r"properly|it))\b",
    re.I,
)
#: A clause that says so of nobody: a question, or the opposite.
NOT_SETTLED = re.compile(
    r"\?|\b(?:not|never|no|nobody|nor|neither|without|unless|until|if|when|before|\w+n['’]t|"
    r"(?:do|does|did|is|are|was|were|has|have|had|ca|wo|could|would|should)nt|cannot|refus\w+|"
    r"instead of|rather than)\b"
    r"|^\W*(?:(?:so|and|but|ok|okay|well|then|hi|hello)\W+)*(?:(?:what|when|where|who|which|why|"
    r"how)\b|(?:should|shall|can|could|would|will|do|does|did|is|are|am|was|were|has|have|must|"
    r"may) (?:i|you|we|it|he|she|they|this|that|there|any\w*|some\w*|my|the|your)\b)",
    re.I,
)
CLAUSE = re.compile(r"[^.!?;,\n]+\??|\?")


def settled(text: str, level: Optional[str]) -> bool:
    """Whether `text` says that what was told of an urgent `level` is being taken care of. Clause by
    clause, so that "it hasn't settled, should I be calling?" does not."""
    pattern = SEEN if level == "emergency" else SETTLED
    return any(
        pattern.search(clause) and not NOT_SETTLED.search(clause) for clause in CLAUSE.findall(text)
    )


def eased(text: str) -> bool:
    """Whether `text` says that a sign has become less."""
    return any(
        EASED.search(clause) and not NOT_SETTLED.search(clause.rstrip("?"))
        for clause in CLAUSE.findall(text)
    )
