"""The clinic's own file, `clinic.yml`: schema, defaults and the phrases that answers are filled
with."""

import re
from dataclasses import dataclass
from datetime import date
from ipaddress import ip_network
from pathlib import Path
from string import Formatter
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import quote_plus, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, Extra, Field, constr, root_validator, validator

from assistant import paths, shapes
from assistant.shapes import DAYS
from assistant.yamlfile import ContentError, Problem, Wrong, YamlFile, plain

DURATION = re.compile(r"^(at least |about |up to )?\d+( to \d+)? (hours?|days?|weeks?|months?)$")
#: No clinic may offer cosmetic needling to somebody younger through the assistant (facts: labels
#: say 22, under 18 never).
YOUNGEST = 18


class Strict(BaseModel):
    """A mapping in which an unknown key is an error."""

    class Config:
        extra = Extra.forbid
        anystr_strip_whitespace = True


class Price(Strict):
    """One line of the price list: what it is for and the price of one session in the clinic's
    currency."""

    name: constr(min_length=2, max_length=60)
    amount: float = Field(gt=0)
    course_of_three: Optional[float] = Field(None, gt=0)
    topic: Optional[str] = None
    includes: Optional[constr(max_length=160)] = None


def duration(value: Optional[str]) -> Optional[str]:
    if value is None or DURATION.match(value):
        return value
    raise Wrong(
        f"`{value}` is not a length of time",
        'Write digits and a unit, such as "24 hours", "2 to 3 days" or "at least 2 weeks".',
    )


class Aftercare(Strict):
    """How long this clinic asks people to wait after a session."""

    makeup: Optional[str]
    exercise: Optional[str]
    sauna_swim: Optional[str]
    sunscreen: Optional[str]
    retinoids: Optional[str]
    alcohol: Optional[str]
    shaving: Optional[str]

    _durations = validator("*", allow_reuse=True)(duration)


class Gaps(Strict):
    """How long this clinic leaves between microneedling and something else, before a big day, and
    between two sessions."""

    filler: Optional[str]
    botox: Optional[str]
    peel: Optional[str]
    laser: Optional[str]
    hair_removal: Optional[str]
    isotretinoin: Optional[str]
    retinoids_before: Optional[str]
    sun_before: Optional[str]
    event: Optional[str]
    sessions: Optional[str]

    _durations = validator("*", allow_reuse=True)(duration)


class Holiday(Strict):
    """A day (`on`) or days (`first` to `last`) with other hours than usual; closed unless `hours`
    says otherwise."""

    name: Optional[constr(min_length=2, max_length=60)]
    on: Optional[date]
    first: Optional[date]
    last: Optional[date]
    hours: shapes.Opening = "closed"

    @root_validator(skip_on_failure=True)
    def _days(cls, values):
        if values["on"]:
            if values["first"] or values["last"]:
                raise Wrong("a holiday has both", "Write either `on:` or `first:` and `last:`.")
            values["first"] = values["last"] = values["on"]
        if not values["first"] or not values["last"] or values["first"] > values["last"]:
            raise Wrong(
                "a holiday has no day, or ends before it begins",
                "Write `on: 2026-12-25`, or `first:` and a later `last:`.",
            )
        return values


def loopback(host: Optional[str]) -> bool:
    """Whether `host` is this machine."""
    return host in ("localhost", "127.0.0.1", "::1")


class EmailDelivery(Strict):
    """Requests as emails. The password, when there is a `user`, is in the environment:
    HANDOFF_SMTP_PASSWORD."""

    to: List[shapes.Email] = Field(min_items=1)
    sender: shapes.Email
    server: shapes.Host
    port: int = Field(587, ge=1, le=65535)
    security: str = "starttls"
    user: Optional[constr(min_length=1, max_length=200)]

    @validator("security")
    def _security(cls, value, values):
        if value not in ("starttls", "tls", "none"):
            raise ValueError(
                "write starttls, tls, or none (only for a mail server on this machine)"
            )
        if value == "none" and not loopback(values.get("server")):
            raise ValueError(
                "`none` would send visitors' details in the clear: write starttls or tls"
            )
        return value


class WebhookDelivery(Strict):
    """Requests as signed JSON. The secret is in the environment: HANDOFF_WEBHOOK_SECRET."""

    url: shapes.AnyLink

    @validator("url")
    def _https(cls, value):
        if value.startswith("http:") and not loopback(urlsplit(value).hostname):
            raise ValueError(
                "write an https:// address: the details of visitors must not travel in the clear"
            )
        return value


class Handoff(Strict):
    """How requests to be contacted reach the clinic (docs/handoff.md). They are always in `make
    inbox` too."""

    deliver: str = "inbox"
    reply_time: Optional[constr(max_length=160)]
    email: Optional[EmailDelivery]
    webhook: Optional[WebhookDelivery]

    @validator("deliver")
    def _deliver(cls, value):
        if value not in ("inbox", "email", "webhook"):
            raise ValueError("write inbox, email or webhook")
        return value

    @root_validator(skip_on_failure=True)
    def _settings(cls, values):
        if values["deliver"] != "inbox" and not values[values["deliver"]]:
            raise ValueError(
                f"`deliver: {values['deliver']}` needs `{values['deliver']}:` with its settings"
                " (docs/handoff.md)"
            )
        return values


class Privacy(Strict):
    """What the notice says about stored conversations."""

    policy_link: Optional[shapes.Link]
    retention_days: int = Field(30, ge=1, le=3650)
    requests_days: int = Field(365, ge=1, le=3650)  #: requests to be contacted, dealt with or not


class Limits(Strict):
    """How much the website channel takes (docs/channel.md). A message that reports a danger sign is
    answered whatever the number of calls."""

    messages_a_minute: int = Field(30, ge=1, le=100_000)  #: of one conversation
    #: Of one address: a clinic's or a company's whole network may share one.
    calls_a_minute: int = Field(300, ge=1, le=1_000_000)
    sessions_a_minute: int = Field(60, ge=1, le=100_000)  #: conversations that one address opens
    trusted_proxies: List[str] = ["127.0.0.0/8", "::1"]  #: whose X-Forwarded-For is believed
    #: That are answered, after white space is folded; a longer message is asked to be shortened.
    characters: int = Field(4000, ge=500, le=20_000)
    #: Of a request; a larger one is refused. Four bytes a character always fit.
    body_kilobytes: int = Field(128, ge=32, le=1024)
    token_hours: int = Field(24, ge=1, le=24 * 30)  #: for which a conversation can be gone on with

    @root_validator(skip_on_failure=True)
    def _fits(cls, values):
        if values["body_kilobytes"] * 1024 < 4 * values["characters"]:
            raise ValueError(
                f"{values['characters']} characters can take {4 * values['characters'] // 1024 + 1}"
                " KB: raise `body_kilobytes` or lower `characters`"
            )
        return values

    @validator("trusted_proxies", each_item=True)
    def _networks(cls, value):
        try:
            ip_network(value, strict=False)
        except ValueError:
            raise ValueError(
                f"`{value}` is neither an address nor a network; write one such as 10.0.0.0/8"
            ) from None
        return value


class Clinic(Strict):
    """Everything that a clinic says about itself. Only name, phone and country are compulsory."""

    name: constr(min_length=2, max_length=80)
    phone: shapes.Phone
    country: shapes.Country
    assistant_name: constr(min_length=2, max_length=30) = "the microneedling assistant"
    email: Optional[shapes.Email]
    address: Optional[constr(max_length=200)]
    hours: Optional[Dict[shapes.Day, shapes.Opening]]
    timezone: Optional[str]
    holidays: Optional[List[Holiday]]
    map_link: Optional[shapes.Link]
    handoff: Handoff = Handoff()
    booking_link: Optional[shapes.Link]
    website_origins: List[shapes.Origin] = []
    languages: Optional[List[constr(min_length=2, max_length=30)]]
    currency: Optional[shapes.Currency]
    prices: Optional[List[Price]]
    offers: Dict[str, bool] = {}
    payment_options: Optional[constr(max_length=240)]
    performed_by: Optional[constr(max_length=240)]
    devices: Optional[List[constr(min_length=2, max_length=60)]]
    parking: Optional[constr(max_length=240)]
    consultation: Optional[constr(max_length=240)]
    minimum_age: int = Field(YOUNGEST, ge=YOUNGEST, le=99)
    deposit: Optional[constr(max_length=240)]
    cancellation: Optional[constr(max_length=240)]
    aftercare: Aftercare = Aftercare()
    gaps: Gaps = Gaps()
    privacy: Privacy = Privacy()
    limits: Limits = Limits()

    @validator("timezone")
    def _timezone(cls, value):
        try:
            return value and ZoneInfo(value).key
        except (ZoneInfoNotFoundError, ValueError):
            raise Wrong(
                f"`{value}` is not a time zone",
                "Write one such as Europe/London, America/New_York or Australia/Sydney.",
            ) from None

    @validator("prices")
    def _prices(cls, value, values):
        if value and "currency" in values and not values["currency"]:
            raise Wrong("prices need a currency", "Write `currency: GBP` above them (GBP: pounds).")
        return value


#: What data/knowledge/countries.yml says of each country; `default` must have all of it.
COUNTRY_LINES = (
    "emergency_number",
    "health_line",
    "urgent_place",
    "doctor",
    "crisis_lines",
    "abuse_line",
    "poison_line",
    "report_to",
)


@dataclass(frozen=True)
class Country:
    """Emergency and help lines of one country (data/knowledge/countries.yml)."""

    code: str
    data: Dict[str, Any]

    def __getitem__(self, key: str) -> str:
        return self.data[key]


SYMBOLS = {"GBP": "£", "USD": "$", "EUR": "€", "AUD": "A$", "CAD": "C$", "NZD": "NZ$", "INR": "₹"}


def money(amount: float, currency: Optional[str]) -> str:
    """An amount as people write it: 120.0, "GBP" gives "£120"."""
    number = f"{amount:,.0f}" if float(amount).is_integer() else f"{amount:,.2f}"
    symbol = SYMBOLS.get(currency or "")
    return f"{symbol}{number}" if symbol else f"{number} {currency or ''}".strip()


def price_line(price: Price, currency: Optional[str]) -> str:
    """A line of the price list as a phrase: the session, the course of three, what is included."""
    course = (
        f", {money(price.course_of_three, currency)} for a course of three"
        if price.course_of_three
        else ""
    )
    return f"{price.name}: {money(price.amount, currency)} a session{course}" + (
        f" ({price.includes})" if price.includes else ""
    )


def map_link(clinic: Clinic) -> Optional[str]:
    """The clinic's own link to a map, or a search for its address on OpenStreetMap."""
    if clinic.map_link or not clinic.address:
        return clinic.map_link
    return f"https://www.openstreetmap.org/search?query={quote_plus(clinic.address)}"


def spoken(text: str) -> str:
    """Opening hours of a day as words: "09:00 to 12:00 and 13:00 to 18:00"."""
    return text.replace(shapes.BETWEEN, " and ").replace("-", " to ")


def hours_by_days(hours: Dict[str, str]) -> List[Tuple[str, str]]:
    """Opening hours with equal neighbouring days joined: [("Monday to Friday", "09:00 to 18:00"),
    ("Saturday", "closed")]."""
    groups: List[List[str]] = []
    for day in DAYS:
        if day not in hours:
            continue
        if (
            groups
            and groups[-1][2] == hours[day]
            and DAYS.index(groups[-1][1]) == DAYS.index(day) - 1
        ):
            groups[-1][1] = day
        else:
            groups.append([day, day, hours[day]])
    return [
        (
            first.capitalize() if first == last else f"{first.capitalize()} to {last.capitalize()}",
            spoken(text),
        )
        for first, last, text in groups
    ]


def opening_hours(hours: Dict[str, str]) -> str:
    """Opening hours as words: "Monday to Friday 09:00 to 18:00, Saturday closed"."""
    return ", ".join(f"{days} {text}" for days, text in hours_by_days(hours))


class Phrases:
    """Fills `{placeholders}` of texts for one clinic.

    A value that the clinic gave is used through the `given` text of data/knowledge/phrases.yml, a
    value that it left out is replaced by the cautious `missing` text; no placeholder is ever left
    empty.
    """

    def __init__(
        self,
        clinic: Clinic,
        phrases: Dict[str, Dict[str, str]],
        country: Country,
        numbers: Optional[Dict[str, str]] = None,
    ):
        self.clinic, self.country = clinic, country
        #: The emergency number in the words of other languages, by language.
        self.numbers = numbers or {}
        given = self._given(clinic)
        values = {}
        for name, texts in phrases.items():
            value = given.get(name)
            values[name] = (
                texts["missing"] if value is None else texts["given"].replace("{value}", value)
            )
        values.update(self._always(clinic, country))
        for _ in range(2):  # a phrase may hold {phone}, and a sentence may hold a phrase
            values = {name: self._substitute(text, values) for name, text in values.items()}
        self.values = values

    @staticmethod
    def _always(clinic: Clinic, country: Country) -> Dict[str, str]:
        return {
            "clinic_name": clinic.name,
            "phone": clinic.phone,
            "assistant_name": clinic.assistant_name,
            "minimum_age": str(clinic.minimum_age),
            "retention": f"{clinic.privacy.retention_days} days",
            **{name: country[name] for name in COUNTRY_LINES},
        }

    @staticmethod
    def _given(clinic: Clinic) -> Dict[str, Optional[str]]:
        after, gaps = clinic.aftercare, clinic.gaps
        prices = None
        if clinic.prices:
            prices = "; ".join(price_line(price, clinic.currency) for price in clinic.prices)
        text = lambda value: value.rstrip(".") if value else None
        return {
            "email": clinic.email,
            "address": text(clinic.address),
            "map_link": map_link(clinic),
            "reply_time": text(clinic.handoff.reply_time),
            "booking_link": clinic.booking_link,
            "hours": opening_hours(clinic.hours) if clinic.hours else None,
            "performed_by": text(clinic.performed_by),
            "prices": prices,
            "deposit": text(clinic.deposit),
            "devices": ", ".join(clinic.devices) if clinic.devices else None,
            "languages": ", ".join(clinic.languages) if clinic.languages else None,
            "cancellation": text(clinic.cancellation),
            "payment_options": text(clinic.payment_options),
            "parking": text(clinic.parking),
            "consultation": text(clinic.consultation),
            "privacy_link": clinic.privacy.policy_link,
            "makeup_after": after.makeup,
            "exercise_after": after.exercise,
            "sauna_swim_after": after.sauna_swim,
            "sunscreen_after": after.sunscreen,
            "retinoids_after": after.retinoids,
            "alcohol_after": after.alcohol,
            "shave_after": after.shaving,
            "retinoids_before": gaps.retinoids_before,
            "sun_before": gaps.sun_before,
            "filler_gap": gaps.filler,
            "botox_gap": gaps.botox,
            "peel_gap": gaps.peel,
            "laser_gap": gaps.laser,
            "hair_removal_gap": gaps.hair_removal,
            "isotretinoin_gap": gaps.isotretinoin,
        }

    @staticmethod
    def _substitute(text: str, values: Dict[str, str]) -> str:
        return re.sub(r"\{(\w+)\}", lambda m: values.get(m.group(1)) or m.group(0), text)

    def fill(self, text: str, language: Optional[str] = None, **more: str) -> str:
        """`text`, written in `language` (English: None), with every placeholder replaced, by `more`
        first. Raises KeyError for one that nothing defines."""
        values = {**self.values, **more}
        if language in self.numbers:
            values["emergency_number"] = self.numbers[language]
        for _, field, _, _ in Formatter().parse(text):
            if field is not None and not values.get(field):
                raise KeyError(field)
        return self._substitute(text, values)


def load_clinic(path: Path = None) -> Clinic:
    """Read and validate clinic.yml. Raises ContentError with file, line, entry and mend."""
    path = path or paths.clinic_file()
    file = YamlFile.read(path, paths.ROOT)
    clinic, problems = file.parse(Clinic)
    if problems:
        raise ContentError(problems)
    return clinic


def load_phrases(clinic: Clinic, folder: Path = None) -> Phrases:
    """The phrases for `clinic`. Raises ContentError."""
    folder = folder or paths.knowledge_folder()
    countries = YamlFile.read(folder / "countries.yml", paths.ROOT)
    phrases = YamlFile.read(folder / "phrases.yml", paths.ROOT)
    problems: List[Problem] = []
    table = countries.data.get("countries")
    if not isinstance(table, dict) or not all(isinstance(lines, dict) for lines in table.values()):
        raise ContentError(
            [
                countries.problem(
                    ("countries",),
                    "countries are not a mapping of codes to lines",
                    "Write them as `GB:` with lines such as `emergency_number: ...` below.",
                )
            ]
        )
    code = clinic.country if clinic.country in table else "default"
    if "default" not in table:
        problems.append(
            countries.problem(
                ("countries",),
                "`default` is missing",
                "Add the lines for a country that is not listed.",
            )
        )
    for name in COUNTRY_LINES:
        if not (table.get("default") or {}).get(name):
            problems.append(
                countries.problem(
                    ("countries", "default"),
                    f"`{name}` is missing",
                    f"Add `{name}:` with words for a country that gives none.",
                )
            )
    entries = phrases.data.get("phrases") or {}
    for name, texts in entries.items():
        for key in ("given", "missing"):
            if (
                not isinstance(texts, dict)
                or not isinstance(texts.get(key), str)
                or not texts[key].strip()
            ):
                problems.append(
                    phrases.problem(
                        ("phrases", name),
                        f"`{key}` is missing or empty",
                        f"Add `{key}:` with a text.",
                    )
                )
    if problems:
        raise ContentError(problems)
    default = {key: str(value) for key, value in table["default"].items() if value}
    own = {key: str(value) for key, value in table[code].items() if value}
    return Phrases(
        clinic,
        {
            str(k): {"given": str(v["given"]), "missing": str(v["missing"])}
            for k, v in entries.items()
        },
        Country(code, {**default, **own}),
        numbers_abroad(plain(countries.data.get("languages") or {}), code, {**default, **own}),
    )


def numbers_abroad(
    languages: Dict[str, Dict[str, str]], country: str, lines: Dict[str, str]
) -> Dict[str, str]:
    """The emergency number of a country in the words of other languages (countries.yml:
    `languages`), by language."""
    return {
        code: (
            words["local_number"]
            if country == "default"
            else lines["emergency_number"].replace(" or ", f" {words['or']} ")
        )
        for code, words in languages.items()
    }
