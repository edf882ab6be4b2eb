"""Contact details in what a visitor wrote: phone number, email address, name, best time. Text only:
nothing here speaks or stores."""

import re
import unicodedata
from dataclasses import dataclass
from typing import List, Optional

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType
from rapidfuzz.distance import DamerauLevenshtein

#: Most characters of a name and of a best time that are kept; a question may have as many as a
#: message.
MOST_NAME, MOST_TIME, MOST_QUESTION = 80, 200, 4000
#: Domains that most people have their mail at; a domain one or two letters away from one of them is
#: asked about.
COMMON_DOMAINS = (
    "gmail.com",
    "googlemail.com",
    "hotmail.com",
    "hotmail.co.uk",
    "outlook.com",
    "live.com",
    "live.co.uk",
    "yahoo.com",
    "yahoo.co.uk",
    "icloud.com",
    "me.com",
    "msn.com",
    "aol.com",
    "btinternet.com",
    "sky.com",
    "proton.me",
    "protonmail.com",
    "gmx.com",
    "gmx.de",
    "web.de",
    "orange.fr",
    "wp.pl",
    "comcast.net",
    "verizon.net",
)
#: Providers whose names are near those of others, with an ending of any country.
OTHER_PROVIDERS = frozenset(
    "mail email ymail qmail fmail zmail gmx cloud fastmail hushmail rocketmail tutanota posteo"
    " web aim".split()
)
#: Endings that are slips, and what they are slips of. "yahoo.ca" and "hotmail.de" are addresses.
SLIPS = {
    "con": "com",
    "cmo": "com",
    "vom": "com",
    "xom": "com",
    "comm": "com",
    "coml": "com",
    "ocm": "com",
    "cim": "com",
    "om": "com",
    "cm": "com",
    "co": "com",
    "co.k": "co.uk",
    "co.u": "co.uk",
    "couk": "co.uk",
    "co.ukk": "co.uk",
}
#: Letters of a provider's name from which a slip in it is asked about: near "me" and "aol" are too
#: many others.
SHORTEST_DOUBTED = 5
#: An address in words: "jo dot smith at posteo dot example". A part of one is never taken.
SPOKEN = re.compile(
    r"(?<![\w.+'-])(?P<local>[\w.+'-]+(?:\s+(?:dot|underscore|dash|hyphen)\s+[\w+'-]+){0,4})\s+"
    r"(?P<at>at|\(at\)|\[at\])\s+"
    r"(?P<domain>[\w-]+(?:\s+dot\s+[a-z]{2,24}){1,4}|[\w-]+(?:\.[a-z]{2,24})+)\b",
    re.I,
)
SPOKEN_SIGNS = {"dot": ".", "underscore": "_", "dash": "-", "hyphen": "-"}
#: Words of giving an address. Without them "I work at posteo.example" gives none.
ADDRESS_WORDS = re.compile(r"\b(?:e-?mail|address|mail|write to|reach)\b", re.I)
#: Everything between blanks, commas and the like around an at sign: quotes and brackets are taken
#: off its ends later, and never split it.
EMAIL = re.compile(
    r"(?<![^\s@<>,;:])[^\s@<>,;:]+\s?@\s?[^\s@<>(),;:\"']*[^\s@<>(),;:\"'.!?]"
    r"(?:['’](?!s\b)[^\s@<>(),;:\"'.!?]+)?"
)
#: What people put around an address.
AROUND_ADDRESS = "\"'“”‘’`([{*_"
#: Five or more digits with the signs that people put between them.
DIGITS = re.compile(r"(?<![\w@.])\+?\(?\d[\d\s().\-/]{3,}\d(?!\w*@)")
#: Figures that are a clock time ("10:30", "10.30-11.30") or a date.
CLOCK_OR_DATE = re.compile(
    r"\d{1,2}[:.]\d\d(?:\s*-\s*\d{1,2}(?:[:.]\d\d)?)?|\d{4}-\d\d-\d\d|"
    r"\d{1,2}[./]\d{1,2}[./]\d{2,4}"
)
#: The extension after a number, and how it is written behind it (RFC 3966).
EXTENSION = re.compile(
    r"[\s,;.(-]{0,3}(?:ext(?:ension|n)?|x|#)[\s.:]{0,2}(?:no\.?\s|number\s|is\s)?"
    r"(?P<ext>\d{1,6})\b",
    re.I,
)
EXTENSION_SIGN = ";ext="
#: Between two numbers: the second puts the first right.
PUTS_RIGHT = re.compile(
    r"\b(?:no|not|wait|sorry|actually|oops|i mean(?:t)?|scrap|wrong|old|correction|instead|make "
    r"(?:it|that)|rather|should (?:be|have been)|changed|new|use this|typo|mistake|hang on)\b",
    re.I,
)
#: Before a number, and after it: it is not the one.
NOT_THIS = re.compile(
    r"\b(?:not(?: on)?|instead of|rather than|don'?t (?:use|call|ring)|"
    r"(?:old|previous|former|wrong) (?:one|number|mobile|phone|e-?mail|address)?\s?"
    r"(?:is|was|which was|used to be)?|used to be)[\s:,]*$",
    re.I,
)
NOT_THAT = re.compile(
    r"[\s,.;(-]*(?:(?:no|sorry|oops|wait|actually|that'?s|thats|it'?s|its|is|was|my|the|an?)\b"
    r"[\s,]*)*(?:old|wrong|previous|former)\b",
    re.I,
)
NAME_WORD = r"[^\W\d_][^\W\d_'’.\-]*(?:['’.\-][^\W\d_]+)*\.?"
NAME_RUN = rf"{NAME_WORD}(?:[ ]{NAME_WORD}){{0,4}}"
#: Words with which people give their name.
INTRODUCED = re.compile(
    r"\b(?:my (?:full )?name(?:'s| is|:)?|names?(?: is|'s|:)|i'?m called|call me|i am|i'?m|im|"
    r"this is|it'?s|its|ask for|for|(?:phone|ring|call|contact|text|email)(?! me| us|"
    rf" back))\s+(?:spelled\s+|spelt\s+|actually\s+)?(?P<name>{NAME_RUN})",
    re.I,
)
#: Words that end a name or are none.
NOT_NAME = frozenset(
    "yes yeah yep yup ok okay sure no nope not nah please pls thanks thank cheers hi hello hey and"
    " my number phone mobile email mail is its it's on at the a an or but with that thats that's"
    " fine good great happy agreed agree i me you to of call ring text skip none nothing stop"
    " cancel help what why how when where who which can could do does would will should if maybe"
    " later never mind back again sorry wait hang hold just first one second minute contact tell"
    " about question time best morning mornings afternoon afternoons evening evenings weekend"
    " weekends monday tuesday wednesday thursday friday saturday sunday today tomorrow anytime any"
    " by only after before until between via instead same they we he she there their your our"
    " nobody noone none anonymous private secret stay prefer rather everything anything something"
    " ridiculous silly stupid annoying nonsense rubbish pointless weird crazy joke boring annoyed"
    " angry fed up lost stuck given said told already pregnant worried interested here looking"
    " having getting trying scared nervous unsure done ready in so very also too really feeling"
    " still thinking calling asking writing from go ahead course absolutely definitely certainly"
    " all right alright right works for this".split()
)
#: Words of NOT_NAME that are names too, with a capital: a first name, and family names.
FIRST_NAMES = frozenset(["will", "an"])
#: After "my name is" and the like: words that still give no name.
UNNAMED = frozenset(
    "not none no nobody private secret anonymous confidential wrong on in at the a my your what"
    " irrelevant important misspelled misspelt spelled spelt just already above below".split()
)
#: Words of respect before a name.
TITLES = frozenset("dr mr mrs ms miss mx prof professor sir dame lady lord rev fr".split())
FAMILY_NAMES = frozenset("best do will so in an any up just well".split())
#: What stands around a bare name: "just Sarah", "Sarah is fine", "Sarah :)".
BEFORE_NAME = re.compile(
    r"^\W*(?:(?:yes|yeah|yep|ok|okay|sure|please|pls|hi|hello|fine|and|oh|so|well|its|it's|just|"
    r"only|simply)\b[\s,:]*)+",
    re.I,
)
AFTER_NAME = re.compile(
    r"(?:[\s,]+(?:please|pls|plz|thanks|thank you|cheers|x+|(?:is|would be) (?:fine|ok|okay|good|"
    r"great|enough|my name|the name)|will be fine|here))+\s*$",
    re.I,
)
SMILEY = re.compile(r"(?<!\w)[:;=]-?[)(DPp3](?!\w)|<3")
#: Endings of words that are no names, for what follows "I am" and "this is" in small letters.
ADJECTIVE = re.compile(r"(?:ous|ful|ible|able|less|ward|tion|ness|ment|ssed|ying)$")
TIME_WORDS = re.compile(
    r"\b(?:morning|afternoon|evening|night|lunch|weekend|weekday|week day|noon|midday|any ?time|"
    r"whenever|o'?clock|monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tues?|weds?|"
    r"thurs?|fri|sat|sun|tomorrow|today|"
    r"(?:next|this) week|(?:after|before|around|about|until) (?:work|school|\d|one|two|three|four|"
    r"five|six|seven|eight|nine|ten|eleven|twelve)(?!\w* ?(?:days?|weeks?|hours?|hrs?|months?|"
    r"years?|sessions?|treatments?|mm|mg)\b)|between \d|from \d|\d{1,2}(?::\d\d)? ?(?:am|"
    r"pm)|\d{1,2}:\d\d)(?:s|ish)?\b",
    re.I,
)


#: The words of time themselves, for a sentence that says more than that.
TIME_PHRASE = re.compile(
    r"\b(?:(?:on |in the |at |any |every |late |early |next |this |week ?day |weekend |"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day )*(?:mornings?|afternoons?|evenings?|"
    r"lunch ?times?|weekends?|weekdays?)(?: only)?|"
    r"(?:after|before|from|around|about|at) \d{1,2}(?::\d\d)?(?: ?[ap]m)?"
    r"(?!\d* ?(?:days?|weeks?|hours?|hrs?|months?|years?|sessions?|treatments?|mm|mg)\b)|"
    r"between \d{1,2}(?::\d\d)? ?(?:[ap]m)?(?: and | ?- ?| to )\d{1,2}(?::\d\d)? ?(?:[ap]m)?|"
    r"any ?time|after (?:work|school))\b",
    re.I,
)
ASKS_FOR_CALL = re.compile(r"\b(?:call|phone|ring|contact|reach|text|email|speak|talk)\b", re.I)
#: What a message that gives everything at once says about its matter.
ABOUT = re.compile(
    r"\b(?:(?:it'?s|it is|this is|that'?s) (?:about|regarding|to do with)|regarding|"
    r"my question(?: is)?:?|question:|i(?:'d| would)? ?(?:like|want|need) to (?:ask|talk|speak|"
    r"know|discuss)(?: \w+)? about|want to know)\s+(?P<about>[^\n;]{3,400})",
    re.I,
)


LEAD = re.compile(
    r"^\W*(?:(?:oh|and|also|but|well|ok|yes|yeah|ps|sorry|actually|please|can you|could you|"
    r"(?:the )?best time(?: is)?|preferably|ideally|(?:call|ring|phone|text|contact|"
    r"email)(?: me)?)\b[\s:,]*)+",
    re.I,
)


class NotUsable(ValueError):
    """A detail that cannot be used; `reason` names the reply that says so
    (data/knowledge/conversation.yml, `handoff`)."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Phone:
    """A usable phone number: `number` in E.164 (an extension as in RFC 3966, ";ext=12"), `shown` as
    people of the clinic's country write it."""

    number: str
    shown: str


@dataclass(frozen=True)
class Email:
    """A usable address; `suggestion` is the domain that was probably meant."""

    address: str
    suggestion: Optional[str] = None


def _parsed(text: str, country: str) -> phonenumbers.PhoneNumber:
    text = "+" + text.strip()[2:] if text.strip().startswith("00") else text
    try:
        return phonenumbers.parse(text, country)
    except NumberParseException as error:
        raise NotUsable(
            "phone_country"
            if "+" in text or country not in phonenumbers.SUPPORTED_REGIONS
            else "phone_short"
        ) from error


def shown(number: str, country: str) -> str:
    """An E.164 number, with its extension if it has one, as people of `country` write it."""
    main, _, extension = number.partition(EXTENSION_SIGN)
    parsed = phonenumbers.parse(main, None)
    home = phonenumbers.country_code_for_region(country) == parsed.country_code
    written = phonenumbers.format_number(
        parsed, PhoneNumberFormat.NATIONAL if home else PhoneNumberFormat.INTERNATIONAL
    )
    return f"{written} ext. {extension}" if extension else written


def _elsewhere(text: str, parsed: phonenumbers.PhoneNumber, country: str) -> bool:
    """Whether a number without + is probably another country's: without the 0 that numbers at home
    begin with, or with a 0 where none does.

    Taken as one of home it could reach a stranger: (718) 555-0123 of New York would be a British
    mobile.
    """
    digits, stripped = re.sub(r"\D", "", text), text.strip()
    if stripped.startswith(("+", "00")) or country not in phonenumbers.SUPPORTED_REGIONS:
        return False
    trunk = phonenumbers.ndd_prefix_for_region(country, True)
    code = str(phonenumbers.country_code_for_region(country))
    example = phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE)
    if trunk == "0":
        written_out = str(parsed.national_number) == digits[len(code) :] and digits.startswith(code)
        return (
            not digits.startswith("0")
            and not written_out
            and (example is None or len(digits) >= len(str(example.national_number)))
        )
    return digits.startswith("0") and trunk == "1" and len(digits) >= 9


def phone(text: str, country: str) -> Phone:
    """The number that `text` is, for a clinic in `country` (ISO 3166 code); numbers of other
    countries need their +.

    A number outside the numbering plan is taken when it has as many digits as a mobile number
    there: plans grow, and a call that fails costs less than a visitor turned away. Raises
    NotUsable: phone_short, phone_long, phone_country, phone_wrong.
    """
    parsed = _parsed(text, country)
    digits = str(parsed.national_number)
    if _elsewhere(text, parsed, country):
        raise NotUsable("phone_country")
    region = phonenumbers.region_code_for_country_code(parsed.country_code)
    if not phonenumbers.is_valid_number(parsed):
        example = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
        wanted = len(str(example.national_number)) if example else len(digits)
        if region in ("ZZ", None):
            raise NotUsable("phone_country")
        if len(digits) < wanted:
            raise NotUsable("phone_short")
        if len(digits) > wanted:
            raise NotUsable("phone_long")
        if not phonenumbers.is_possible_number(parsed) or len(set(digits)) < 3:
            raise NotUsable("phone_wrong")
    number = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    return Phone(number, shown(number, country))


def _is_number(match: "re.Match[str]") -> bool:
    """Whether figures may be a phone number: five or more, and neither a clock time nor a date."""
    return (
        len(re.sub(r"\D", "", match.group())) >= 5
        and CLOCK_OR_DATE.fullmatch(match.group().strip()) is None
    )


def intended(found: List["re.Match[str]"], text: str) -> Optional["re.Match[str]"]:
    """Of several numbers or addresses the one that is given in the end: not one that is called old
    or wrong, and the last where the visitor puts something right. None when there is none."""
    kept = []
    corrects = False
    for number, match in enumerate(found):
        before = text[found[number - 1].end() if number else 0 : match.start()]
        after = text[match.end() : found[number + 1].start() if number + 1 < len(found) else None]
        corrects = corrects or bool(number and PUTS_RIGHT.search(before))
        if not (NOT_THIS.search(before) or NOT_THAT.match(after)):
            kept.append(match)
    candidates = kept or found
    if not candidates:
        return None
    return candidates[-1 if corrects else 0]


def find_phone(text: str, country: str) -> Optional[Phone]:
    """The phone number in `text`, validated, with its extension; of several the one that is meant
    (`intended`). Raises NotUsable; None when nothing looks like a number."""
    text = EMAIL.sub(" ", text)
    found = intended([match for match in DIGITS.finditer(text) if _is_number(match)], text)
    if found is None:
        return None
    extension = EXTENSION.match(text, found.end())
    number = phone(found.group(), country).number
    if extension:
        number = f"{number}{EXTENSION_SIGN}{extension['ext']}"
    return Phone(number, shown(number, country))


def with_ending(number: str, ending: str, country: str) -> Phone:
    """`number` (E.164) with its last digits replaced by `ending`; an extension stays. Raises
    NotUsable."""
    main, sign, extension = number.partition(EXTENSION_SIGN)
    changed = phone(main[: -len(ending)] + ending, country).number + sign + extension
    return Phone(changed, shown(changed, country))


def written_out(text: str) -> str:
    """`text` with addresses in words as addresses: "jo dot smith at posteo dot example"."""

    def address(match: "re.Match[str]") -> str:
        alone = not (text[: match.start()] + text[match.end() :]).strip(" .,!")
        words = " dot " in match["domain"].lower() or match["at"].lower() != "at"
        if not (words or alone or "." in match["local"] or ADDRESS_WORDS.search(text)):
            return match.group()
        parts = re.split(r"\s+", f"{match['local']}@{match['domain']}")
        return "".join(SPOKEN_SIGNS.get(part.lower(), part) for part in parts)

    return SPOKEN.sub(address, text)


def find_email(text: str) -> Optional[Email]:
    """The address in `text`, validated without looking anything up; of several the one that is
    meant (`intended`). Raises NotUsable (email_wrong)."""
    text = written_out(text)
    found = intended(list(EMAIL.finditer(text)), text)
    if found is None:
        if "@" in text and not re.search(r"\w@\w", text):
            raise NotUsable("email_wrong")
        return None
    written = re.sub(r"\s", "", found.group()).lstrip(AROUND_ADDRESS).replace("’", "'")
    try:
        checked = validate_email(written, check_deliverability=False)
    except EmailNotValidError as error:
        raise NotUsable("email_wrong") from error
    return Email(checked.normalized, meant_domain(checked.ascii_domain or checked.domain))


def meant_domain(domain: str) -> Optional[str]:
    """The common domain that `domain` is a slip of: a letter or two in the provider's name, or an
    ending that does not exist. None for what may be right."""
    domain = domain.lower()
    label, _, ending = domain.partition(".")
    if domain in COMMON_DOMAINS or label in OTHER_PROVIDERS:
        return None
    for common in COMMON_DOMAINS:
        known, _, right = common.partition(".")
        if label == known and SLIPS.get(ending) == right:
            return common
    slips = []
    for common in COMMON_DOMAINS:
        known, _, right = common.partition(".")
        letters = DamerauLevenshtein.distance(label, known)
        if (
            len(known) >= SHORTEST_DOUBTED
            and 0 < letters <= (1 if len(known) < 7 else 2)
            and (ending == right or SLIPS.get(ending) == right)
        ):
            slips.append((letters, common))
    return min(slips)[1] if slips else None


def named_domain(text: str, meant: str) -> Optional[str]:
    """The domain that an answer to "did you mean `meant`?" names, in full ("gmail.com") or by its
    provider ("I meant gmail")."""
    full = re.search(r"(?<![\w@.])@?((?:[a-z0-9-]+\.)+[a-z]{2,24})\b", text.lower())
    if full:
        return full[1]
    words = re.findall(r"[a-z0-9-]+", text.lower())
    return next(
        (
            common
            for common in (meant, *COMMON_DOMAINS)
            if common.partition(".")[0] in words
            and common not in ("me.com", "live.com", "live.co.uk", "sky.com", "web.de", "orange.fr")
        ),
        None,
    )


def _is_name(words: List[str], number: int) -> bool:
    """Whether the word at `number` is none that ends a name; "Will" begins one and "Best" ends one
    when they have their capital."""
    word = words[number].strip(",.;:!?")
    if word.lower() not in NOT_NAME:
        return True
    if not word[0].isupper() or (word.isupper() and len(word) > 1):
        return False
    if number == 0:
        return word.lower() in FIRST_NAMES and (
            len(words) == 1
            or words[1][0].isupper()
            and words[1].strip(",.;:!?").lower() not in NOT_NAME - FAMILY_NAMES
        )
    return word.lower() in FAMILY_NAMES


def first_name(name: str) -> str:
    """How somebody is addressed: the first name, or the title with the last name."""
    words = name.split()
    titled = words[0].strip(".").lower() in TITLES and len(words) > 1
    return f"{words[0]} {words[-1]}" if titled else words[0]


def clean_name(text: str, given: bool = False) -> Optional[str]:
    """`text` as a name: words of letters up to the first that cannot belong to one; None when
    nothing is left. `given`: "my name is" stood before it, so that the first word is one."""
    words = []
    said = text.strip(" ,.;:!-").split()
    for number, word in enumerate(said):
        bare = word.strip(",.;:!?").replace("\u2019", "'")
        if given and number == 0 and bare.lower() in UNNAMED:
            return None
        taken = given and number == 0
        plain = [item.replace("\u2019", "'") for item in said]
        if not re.fullmatch(NAME_WORD, bare) or not (taken or _is_name(plain, number)):
            break
        words.append(bare.rstrip("."))
        if word[-1] in ",;:!?":
            break
    name = unicodedata.normalize("NFC", " ".join(words[:5]))[:MOST_NAME].strip()
    if len(name) < 2 and not (name and unicodedata.category(name[0]) == "Lo"):
        return None
    return (
        name
        if not name.islower() and not name.isupper() or unicodedata.category(name[0]) == "Lo"
        else name.title().replace("'S", "'s")
    )


def find_name(text: str, asked: bool) -> Optional[str]:
    """The name in `text`. When it was `asked` for, bare words count; otherwise it needs "my name
    is" or capitals after "I'm"."""
    text = SMILEY.sub(" ", EMAIL.sub(" , ", DIGITS.sub(" , ", text)))
    text = "".join(" " if unicodedata.category(sign) in ("So", "Sk") else sign for sign in text)
    for found in INTRODUCED.finditer(text):
        strong = re.match(r"my |name|call me|i'?m called|ask for", found.group(), re.I)
        given = re.match(r"my |name|i'?m called", found.group(), re.I) is not None
        name = clean_name(AFTER_NAME.sub("", found["name"]), given)
        if name and (
            strong
            or found["name"][0].isupper()
            or asked
            and not ADJECTIVE.search(found["name"].split()[0])
        ):
            return name
    for part in re.split(
        r"[,;\n]|(?<=[a-z])(?<!\b[MD][rs])(?<!\bMrs)[.!?](?:\s|$)| - |"
        r"\s+(?:and|but)\s+(?=(?:my|the|you|i|i'm|it's|call|ring|please|phone|email)\b)",
        text,
    ):
        part = AFTER_NAME.sub("", BEFORE_NAME.sub("", part)).strip()
        words = part.split()
        if not words or len(words) > 5 or "?" in part:
            continue
        name = clean_name(part)
        if (
            name
            and len(name.split()) == len(words)
            and (
                asked
                or all(w[0].isupper() for w in name.split())
                and part[0].isupper()
                and len(words) > 1
            )
        ):
            return name
    return None


def find_time(text: str) -> Optional[str]:
    """When the visitor would like to be contacted, in their words: the clause of `text` with words
    of time."""
    for part in re.split(
        r"[;\n]|,(?! or )|(?<=[a-z])[.!?]\s", EMAIL.sub(" ", DIGITS.sub(" , ", text))
    ):
        if TIME_WORDS.search(part) and "?" not in part and len(part.split()) <= 8:
            return as_time(part)
    for clause in re.split(r"(?<=[.!?])\s|\n", EMAIL.sub(" ", text)):
        found = TIME_PHRASE.search(clause)
        if found and ("?" not in clause or ASKS_FOR_CALL.search(clause)):
            return as_time(found.group())
    return None


def find_question(text: str) -> Optional[str]:
    """What a message that holds contact details says that it is about."""
    found = ABOUT.search(text)
    return found["about"].strip(" .,") if found else None


def whole_time(text: str) -> str:
    """The whole answer to "when is the best time?", without a number or an address in it: "Monday,
    Wednesday or Friday"."""
    return as_time(
        re.sub(
            r"\s+([,.;])",
            r"\1",
            EMAIL.sub(
                " ",
                DIGITS.sub(
                    lambda match: (
                        match.group() if len(re.sub(r"\D", "", match.group())) < 9 else " "
                    ),
                    text,
                ),
            ),
        ).strip(" ,.;")
    )


def as_time(text: str) -> str:
    """`text` as a best time: one line, without the words of asking around it, at most MOST_TIME
    characters."""
    text = LEAD.sub("", " ".join(text.split()))
    return re.sub(
        r"(?:[\s,]*\b(?:instead|please|pls|thanks?|thank you))+\W*$", "", text, flags=re.I
    ).strip(" ,.")[:MOST_TIME]
