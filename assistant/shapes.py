"""Shapes of the values in clinic.yml: what each looks like, and what to write instead of one that
does not, in words that need no programmer."""

import re
from typing import Callable, Dict, Type

import phonenumbers
from babel import Locale

from assistant.yamlfile import Wrong

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SPAN = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")
#: Between the spans of one day.
BETWEEN = ", "
#: What people write for a country's two letters (ISO 3166-1).
MEANT: Dict[str, str] = {
    "UK": "GB",
    "ENGLAND": "GB",
    "SCOTLAND": "GB",
    "WALES": "GB",
    "BRITAIN": "GB",
    "GREAT BRITAIN": "GB",
    "NORTHERN IRELAND": "GB",
    "EN": "GB",
    "USA": "US",
    "AMERICA": "US",
    "EIRE": "IE",
    "OE": "AT",
    "HOLLAND": "NL",
}
#: What people write for a currency's three letters (ISO 4217).
MONEY_MEANT: Dict[str, str] = {
    "£": "GBP",
    "POUND": "GBP",
    "POUNDS": "GBP",
    "STERLING": "GBP",
    "$": "USD",
    "DOLLAR": "USD",
    "DOLLARS": "USD",
    "€": "EUR",
    "EURO": "EUR",
    "EUROS": "EUR",
}


def country(value: str) -> str:
    """`value` when it is the two letters of a country. Raises Wrong, which names what is meant."""
    if value in phonenumbers.SUPPORTED_REGIONS:
        return value
    names = {name.upper(): code for code, name in Locale("en").territories.items()}
    meant = MEANT.get(value.upper()) or names.get(value.upper()) or value.upper()
    if meant in phonenumbers.SUPPORTED_REGIONS:
        raise Wrong(f"`{value}` is not the code of a country", f"Write {meant}, not {value}.")
    raise Wrong(
        f"`{value}` is not the code of a country",
        "Write its two capital letters: GB for the United Kingdom, IE, US, CA, AU, NZ, DE, AT, ...",
    )


def currency(value: str) -> str:
    """`value` when it is the three letters of a currency. Raises Wrong."""
    known = Locale("en").currencies
    if value in known:
        return value
    meant = MONEY_MEANT.get(value.upper(), value.upper())
    raise Wrong(
        f"`{value}` is not the code of a currency",
        f"Write {meant}."
        if meant in known
        else "Write its three capital letters: GBP for pounds, EUR, USD, AUD, CAD, ...",
    )


def phone(value: str) -> str:
    """`value` when it is a phone number with its country's code. Raises Wrong."""
    mend = 'Write it in quotes with + and the country\'s code: "+44 20 7946 0958".'
    if not re.fullmatch(r"\+[0-9][0-9 ()-]{6,20}", value):
        raise Wrong(f"`{value}` is no phone number with its country's code", mend)
    try:
        number = phonenumbers.parse(value)
    except phonenumbers.NumberParseException:
        raise Wrong(f"no country's phone numbers begin like `{value}`", mend) from None
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason == phonenumbers.ValidationResult.TOO_SHORT:
        raise Wrong(f"`{value}` has too few digits for a phone number", "Add what is missing.")
    if reason == phonenumbers.ValidationResult.TOO_LONG:
        raise Wrong(f"`{value}` has too many digits for a phone number", "Take out what is extra.")
    return value


def day(value: str) -> str:
    """`value` when it is a day of the week. Raises Wrong, which names the day that is meant."""
    if value in DAYS:
        return value
    meant = next((d for d in DAYS if value.lower()[:3] == d[:3]), None)
    if re.search(r"\w\s*(?:-|–|to)\s*\w", value):
        raise Wrong(f"`{value}` are several days", "Write a line for each day, monday: and so on.")
    raise Wrong(
        f"`{value}` is not a day",
        f"Write `{meant}`." if meant else f"Use {', '.join(DAYS)}.",
    )


def opening(value: str) -> str:
    """`value` when it is "closed" or one or more spans of the day, in order ("09:00-12:00,
    13:00-18:00"). Raises Wrong with an example."""
    if value == "closed":
        return value
    spans = [span.strip() for span in value.split(",")]
    mend = 'Write "09:00-17:30", "09:00-12:00, 13:00-18:00" with a break, or "closed".'
    if not all(SPAN.fullmatch(span) for span in spans):
        raise Wrong(f"`{value}` are no opening hours", mend)
    for span in spans:
        if span[:5] >= span[6:]:
            raise Wrong(f"`{span}` ends before it begins: opening before closing", mend)
    for before, after in zip(spans, spans[1:]):
        if before[6:] >= after[:5]:
            raise Wrong(f"`{after}` begins before `{before}` ends", mend)
    return BETWEEN.join(spans)


def like(pattern: str, what: str, mend: str) -> Callable[[str], str]:
    """A check that a text matches `pattern` as a whole; else it is not `what`, and `mend` says what
    to write."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise Wrong(f"`{value}` is not {what}", mend)
        return value

    return check


def origin(value: str) -> str:
    """`value` when it is a website's origin: its address without anything after the host's name.
    Raises Wrong."""
    if re.fullmatch(r"https?://[^/\s]+", value):
        return value
    bare = re.sub(r"^(?:https?:)?/*", "", value).split("/")[0]
    scheme = "http" if value.startswith("http:") else "https"
    raise Wrong(
        f"`{value}` is not a website's address as browsers send it",
        f"Write https:// and the name, with no slash and no page after it: {scheme}://{bare}"
        if "." in bare
        else "Write https:// and the website's name: https://www.example.org",
    )


def shape(check: Callable[[str], str]) -> Type[str]:
    """A pydantic type of the texts that `check` accepts."""

    def of_text(value):
        if not isinstance(value, (str, int, float)) or isinstance(value, bool):
            raise Wrong(
                "this is not a single text", "Write one text, on one line, without brackets."
            )
        return check(str(value).strip())

    def validators():
        yield of_text

    name = getattr(check, "__name__", "text").capitalize()
    return type(name, (str,), {"__get_validators__": staticmethod(validators)})


LINK = "Begin with https://, as in the browser's address line: https://www.example.org/page"
Country, Currency, Phone = shape(country), shape(currency), shape(phone)
Day, Opening, Origin = shape(day), shape(opening), shape(origin)
Link = shape(like(r"https://\S+", "a link", LINK))
AnyLink = shape(like(r"https?://\S+", "a link", LINK))
Email = shape(
    like(
        r"[^@\s<>,;\"]+@[^@\s<>,;\"]+\.[^@\s<>,;\"]+",
        "an email address",
        "Write it as name@example.org.",
    )
)
Host = shape(
    like(
        r"[A-Za-z0-9.:-]+",
        "the name of a server",
        "Write it as mail.example.org, with no https:// and no blank.",
    )
)
