"""Personal data in what a visitor wrote: found and replaced before anything is stored or logged.

Health facts, prices, times, needle lengths and dates of treatments stay: the clinic and the
assistant need them. How well this works is measured by `python -m tests.evaluation.redaction`
(docs/data-protection.md).
"""

import functools
import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, FrozenSet, Iterator, List, Optional, Tuple

import phonenumbers
from stdnum import iban, luhn
from stdnum.gb import nhs

from assistant.handoff.details import COMMON_DOMAINS, DIGITS, NAME_RUN, NOT_NAME

#: What is stored instead, by kind.
MASKS = {
    "email": "[email]",
    "iban": "[account number]",
    "card": "[card number]",
    "id": "[id number]",
    "birth": "[date of birth]",
    "phone": "[phone]",
    "address": "[address]",
    "postcode": "[postcode]",
    "name": "[name]",
    "profile": "[profile]",
}
#: Most characters that are looked at; a longer text is replaced whole.
MOST = 8000


@dataclass(frozen=True)
class Span:
    """Characters `start` to `end` of a text are personal data of a `kind` (a key of MASKS)."""

    start: int
    end: int
    kind: str


EMAIL = re.compile(
    r"(?<![\w.+'-])[\w.+'-]+\s?(?:@|\(at\)|\[at\])\s?[\w-]{1,63}(?:\s?\.\s?[a-z]{2,63}|"
    r"\.[\w-]{1,63}){1,4}(?![\w-])",
    re.I,
)
#: Letters of the part before the at sign (RFC 5322, "atom"; and the apostrophe of phones).
ATOM = r"\w.!#$%&'*+/=?^`{|}~’-"
#: Ways to write the at sign and the dot that keep programs from seeing them.
AT, DOT = r"\s?(?:@|＠|%40|[(\[{<]\s?at\s?[)\]}>])\s?", r"\s?(?:[(\[{<]\s?dot\s?[)\]}>]|\.)\s?"
#: Addresses in disguise: with (at) and (dot), a comment, a comma for the dot, no dot at all.
DISGUISED = re.compile(
    rf"(?<![{ATOM}])[{ATOM}]{{1,64}}(?:{DOT}[\w-]{{1,30}}){{0,3}}(?:\([\w.-]{{0,30}}\))?{AT}"
    rf"(?:[a-z][\w-]{{1,62}}(?:{DOT}[a-z]{{2,24}}){{1,3}}|"
    r"[a-z][\w-]{1,62},\s?(?:com|org|net|co\.uk|de|fr|ie)\b)(?![\w-])|"
    rf"(?<![{ATOM}])(?=[{ATOM}]{{0,63}}[a-z])[{ATOM}]{{2,64}}@[a-z][\w-]{{3,62}}(?![\w.-]*\w@)",
    re.I,
)
#: An address letter by letter.
LETTERS = re.compile(r"(?<!\S)(?:\w ){2,40}@(?: [\w.-]){3,40}(?!\S)")
#: "sarah dot jones at gmail dot com"; with a plain dot the domain has to be one where people have
#: their mail.
SPOKEN = re.compile(
    r"\b[\w.+-]{1,64}(?:\s+(?:dot|"
    r"underscore)\s+\w{1,30}){0,3}\s+at\s+(?P<domain>[\w-]{1,63}(?:\s+dot\s+[a-z]{2,24}){1,3}|"
    r"[\w-]{1,63}(?:\.[a-z]{2,24}){1,3})\b",
    re.I,
)
IBAN = re.compile(
    r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z]{4})?(?:[ -]?(?=\w{0,3}\d)[A-Z0-9]{4}){2,7}(?:["
    r" -]?(?=\w{0,2}\d)[A-Z0-9]{1,3})?\b",
    re.I,
)
CARD = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")
SECURITY_CODE = re.compile(r"\b(?:cvv2?|cvc|cv2|security code)\b\D{0,12}(?P<data>\d{3,4})\b", re.I)
NHS = re.compile(r"(?<![\d+])\d{3}[ -]?\d{3}[ -]?\d{4}(?!\d)")
NATIONAL_INSURANCE = re.compile(
    r"\b(?!bg|gb|nk|kn|tn|nt|"
    r"zz)[a-ceghj-prs-tw-z][a-ceghj-nprs-tw-z]\s?\d{2}\s?\d{2}\s?\d{2}\s?[a-d]\b",
    re.I,
)
SOCIAL_SECURITY = re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")
#: A number that the visitor calls one of a document or an account.
DOCUMENT = re.compile(
    r"\b(?:passport|nhs|national insurance|ni|nino|social security|ssn|insurance|policy|"
    r"member(?:ship)?|patient|medical record|mrn|driv(?:ing|er'?s?) licen[cs]e|id ?card|tax|"
    r"account|sort code|pps|medicare|hospital)"
    r"(?:[ -]?(?:number|no\.?|num|code|id|#))?(?:\s+(?:is|was|its|"
    r"it's))?\s*[:#]?\s*(?P<data>(?=(?:[\w./-]*\d){5}|"
    r"\d\d[ -]\d\d[ -]\d\d)[A-Z0-9][A-Z0-9./-]*(?:[ -](?=\w*\d)[A-Z0-9]+){0,5})",
    re.I,
)

MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?|januar|februar|märz|mai|juni|"
    r"juli|oktober|dezember)"
)
DATE = (
    r"(?:\d{1,2}\s?[/.\-]\s?\d{1,2}\s?[/.\-]\s?\d{2,4}|(?:19|20)\d\d[/.\-]\d{1,2}[/.\-]\d{1,2}|"
    r"\d{1,2}(?:st|nd|rd|th)?\.?["
    rf" -](?:of )?{MONTH}\.?,?[ -]'?\d{{2,4}}|"
    rf"{MONTH}\.?[ ]\d{{1,2}}(?:st|nd|rd|th)?,?[ ]\d{{4}}|\d{{1,2}} \d{{1,2}}"
    r" (?:19|20)\d\d|(?:19|20)\d{6}|[0-3]\d[01]\d(?:19|20)?\d\d)"
)
BIRTH = re.compile(
    r"(?:\b(?:d\.?o\.?b\b\.?|date of birth|birth ?date|birth ?day|born|geboren|geburtsdatum|née?"
    rf" le)(?:[^\d\n.?!\]]|\.(?=\d)){{0,25}}?(?P<data>(?<!\d){DATE}(?!\d)))|"
    rf"(?P<before>(?<!\d){DATE}(?!\d))(?=\s*(?:is|=|-|\()?\s*(?:my"
    r" )?(?:date of birth|d\.?o\.?b\b|birth ?(?:date|day)))",
    re.I,
)
#: A day and a month without a year count after an outright "date of birth" alone; a birthday is an
#: occasion that people ask about.
BIRTH_DAY = re.compile(
    r"\b(?:d\.?o\.?b\b\.?|date of birth)[^\d\n]{0,12}(?P<data>\d{1,2}(?:st|nd|rd|th)? (?:of"
    rf" )?{MONTH}\b|{MONTH} \d{{1,2}}(?:st|nd|rd|th)?\b)",
    re.I,
)

CALLING = re.compile(
    r"\b(?:phone|mobile|mob|cell|tel|telephone|number|num|no|nr|call|ring|text|whatsapp|sms|reach|"
    r"landline|contact|fax|handy|ext|nummer|numéro|portable|teléfono|móvil|numero|telefon)\b",
    re.I,
)
#: What follows a run of digits that is a quantity, and what precedes one.
QUANTITY = re.compile(
    r"\s*(?:%|mm\b|cm\b|mg\b|ml\b|mcg\b|iu\b|nm\b|kg\b|°|£|\$|€|pounds?\b|euros?\b|dollars?\b|"
    r"quid\b|steps\b|followers\b|times\b|people\b|views\b|needles?\b|channels\b)",
    re.I,
)
MONEY = re.compile(r"(?:[£$€]|\b(?:gbp|usd|eur)) ?$", re.I)

#: The areas of British postcodes.
AREAS = frozenset(
    "ab al b ba bb bd bh bl bn br bs bt ca cb cf ch cm co cr ct cv cw da dd de dg dh dl dn dt dy e"
    " ec eh en ex fk fy g gl gu gy ha hd hg hp hr hs hu hx ig im ip iv ja je ka kt kw ky l la ld le"
    " ll ln ls lu m me mk ml n ne ng nn np nr nw ol ox pa pe ph pl po pr rg rh rm s sa se sg sk sl"
    " sm sn so sp sr ss st sw sy ta td tf tn tq tr ts tw ub w wa wc wd wf wn wr ws wv yo ze".split()
)
BRITISH = re.compile(r"\b(?P<area>[a-z]{1,2})(?:\d[a-z]|\d{1,2}) ?\d[abd-hjlnp-uw-z]{2}\b", re.I)
IRISH = re.compile(r"\b[AC-FHKNPRTV-Y]\d[\dW] [\dAC-FHKNPRTV-Y]{4}\b")
CANADIAN = re.compile(r"\b[ABCEGHJ-NPRSTVXY]\d[A-Z] ?\d[A-Z]\d\b")
DUTCH = re.compile(r"\b[1-9]\d{3} (?!IU|MG|ML|MM|NM|AM|PM|UK|EU)[A-Z]{2}\b")
STATES = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|"
    "NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|DC"
)
ZIP = re.compile(
    rf"\b(?:{STATES}),?"
    r" (?P<data>\d{5}(?:-\d{4})?)\b|(?<![\d-])(?P<long>\d{5}-\d{4})(?![\d-])"
)
POSTAL = re.compile(
    r"\b(?:zip(?: ?code)?|post(?:al)? ?code|pin ?code|plz|postleitzahl|code postal)(?:\s+(?:is|"
    r"was|its|it's|here is))?\s*[:=]?\s*(?P<data>\d{4,6}(?:-\d{3,4})?|"
    r"[a-z]{1,2}\d{1,2}[a-z]?(?: ?\d[a-z]{2})?)\b",
    re.I,
)
TOWN = re.compile(
    r"\b(?:live|living|based|wohne|am|i'm|im|adresse?|"
    r"address)\b[^\n.?!]{0,30}?\b(?P<data>\d{5})(?= [A-ZÄÖÜÉ][a-zäöüßé]+)|"
    r"(?<=\d, )(?P<after>\d{5})(?= [^\W\d_]{3})",
    re.I,
)

STREET = (
    r"street|st|road|rd|avenue|ave|lane|ln|drive|close|court|crescent|cres|terrace|gardens|"
    r"grove|place|square|mews|boulevard|blvd|parade|highway|row|walk|way|hill|rise|view|park|"
    r"green"
)
#: Words between a number and "row", "way" or "close" which make it no address.
NO_STREET = frozenset(
    "a an the in of on to at is my your it this that from for and or with by about any some half"
    " other same each per next last more less further long whole right wrong only not no sessions"
    " session days day weeks week months month years year minutes minute mins min hours hour times"
    " time treatments treatment miles mile metres mm cm percent appointments people needles goes"
    " rounds pm am pounds hundred thousand x per".split()
)
ADDRESS = re.compile(
    r"(?<![\d.,£$€/:-])(?P<flat>(?:flat|apt|apartment|unit|suite)\.? ?\w{1,4},?"
    rf" )?\d{{1,5}}[a-z]?,? (?P<words>(?:[^\W\d_][\w'’.-]{{0,24}} ){{1,3}})(?:{STREET})\b(?!')",
    re.I,
)
#: Houses with a name in place of a number, and boxes.
HOUSE = re.compile(
    r"\b[A-Z][a-z'’]+(?: [A-Z][a-z'’]+)? (?:Cottage|House|Farm|Lodge|Barn|Villa),"
    r" (?:[A-Z][\w'’]+ ){1,3}(?:Lane|Road|Street|Hill|Green|Row|Close|Drive|Way)\b|"
    r"\b[Pp]\.?\s?[Oo]\.?\s?[Bb]ox \d+\b"
)
#: Pages and names of social networks, and addresses of machines.
PROFILE = re.compile(
    r"\b(?:www\.)?(?:facebook|instagram|linkedin|tiktok|twitter|x|snapchat|threads|fb)\.com/"
    r"[\w./?=@-]*\w|\b(?:t|wa)\.me/\w+|"
    r"(?<![\w.@+-])@(?=[\w.]*[a-z])[a-z_][\w.]{2,29}\b(?!@)",
    re.I,
)
HANDLE = re.compile(
    r"\b(?:instagram|insta|ig|snapchat|snap|tiktok|telegram|twitter|facebook|fb)"
    r"(?:\s+(?:name|handle|user(?:name)?|account))?\s*(?:'s|\bis\b|:|=)\s*"
    r"(?P<data>@?(?=\w*[\d_.]|\w{6})[a-z_][\w.]{2,29})",
    re.I,
)
OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
MACHINE = re.compile(
    rf"\b(?:ip|ip address|my address)\b\D{{0,12}}(?P<data>(?:{OCTET}\.){{3}}{OCTET})\b|"
    rf"(?<![\d.])(?P<private>(?:10|127|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.{OCTET}){{2,3}})"
    r"(?![\d.])",
    re.I,
)
#: A British number plate, which has to be called one or stand in capitals.
PLATE = re.compile(
    r"\b(?:(?i:plate|reg(?:istration)?|car|van)\b[^\n]{0,20}?\b(?P<data>(?i:[a-z]{2}\d{2}"
    r" ?[a-z]{3}))|(?P<capitals>[A-Z]{2}\d{2} [A-Z]{3}))\b"
)
#: Digits in words, seven or more of them.
DIGIT_WORD = r"(?:zero|oh|nought|one|two|three|four|five|six|seven|eight|nine)"
SPELT_DIGITS = re.compile(
    rf"\b(?:(?:double |triple |treble )?{DIGIT_WORD}\b[\s,.-]*){{6,20}}"
    rf"(?:double |triple |treble )?{DIGIT_WORD}\b",
    re.I,
)
#: What digits belong to that are of nobody.
NO_PHONE = re.compile(
    r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b|"
    r"\b(?:lot|batch|serial|model|version|isbn|article|catalogue|sku)"
    r"(?: ?(?:no\.?|number|num|code|#))?(?: is| was|:)? ?[\w/.-]{0,40}\d[\w/. -]{0,40}",
    re.I,
)
CONTINENTAL = re.compile(
    r"\b(?:[A-ZÄÖÜ][\wäöüß-]{2,30}(?:straße|strasse|str\.|weg|allee|platz|gasse)|"
    r"[A-ZÄÖÜ]\w{2,20} (?:Straße|Strasse|Str\.|Allee|Platz)) \d{1,4} ?[a-z]?\b|"
    r"\b\d{1,4}(?: bis| ter)?,? (?:rue|avenue|boulevard|place|impasse|chemin|"
    r"allée) (?:(?:de|du|des|la|le|les|l'|d')[ ]?){0,3}[A-ZÉ]\w+(?:[ -][A-ZÉ]\w+)*"
    r"(?:,? \d{5}(?: [A-ZÉ][\wé-]+)?)?|"
    r"\b(?:calle|via|ulica|ul\.|rua) [A-ZÁÉÍÓÚŁ]\w+(?: [A-ZÁÉÍÓÚŁ]\w+)?,? \d{1,4}\b"
)

#: Ways in which people say a name; those of LOOSE are also ways to say something else, so that the
#: name has to have capitals.
SAID = re.compile(
    rf"\b(?:my (?:full |first |last |sur|maiden )?name(?:'s|s| is|:| =|,)|name's|"
    rf"(?:my |contact )?details(?: are|:)|(?:first |full |last |sur)?name ?(?:is|:|=)|"
    rf"i(?:'?m| am) called|they call me|people call me|you can call me|(?:please |just )?ask for|"
    r"under the name(?: of)?|mein name ist|ich hei(?:ß|ss)e|je m'appelle|me llamo|mi"
    r" chiamo|nazywam się|mam na imię|numele meu este|mă numesc|меня зовут|мене звати|benim adım|"
    rf"o meu nome é|meu nome é)\s+(?:spelled\s+|spelt\s+|actually\s+|is\s+)?(?P<name>{NAME_RUN})",
    re.I,
)
SPEAKING = re.compile(
    rf"\b(?:this is|it'?s|its|it is)\s+(?P<name>{NAME_RUN})\s+(?:speaking|calling)\b", re.I
)
HERE = re.compile(
    rf"(?<![\w.'’-])(?:(?i:this is|it'?s|it is)\s+)?(?P<name>{NAME_RUN})\s+(?:here(?!"
    r" is\b)|again|from \d)\b"
)
#: Without a capital "it's … here" is usually about a place on the skin: only at the start of a
#: message, and before a pause.
HERE_LOWER = re.compile(
    r"^\W*(?:(?:hi|hello|hey)[,! ]+)?(?:this is|it'?s|its)\s+(?P<name>[^\W\d_]{3,20})\s+(?:here|"
    r"again)\s*(?:[,.!-]|$)",
    re.I,
)
BACKWARDS = re.compile(
    rf"(?:^|[.,;!]\s+)(?P<name>{NAME_RUN})\s+(?:speaking|is my (?:full |first )?name)\b", re.I
)
#: A message that begins with a name and goes on with another detail.
LEADING = re.compile(
    r"^\s*(?i:(?:hi|hello|"
    r"hey)[,! ]+)?(?P<name>[A-Z][\w'’-]+(?: [A-Z][\w'’-]+){1,3})\s?[,;:-]\s*(?i:(?:my )?(?:number|"
    r"phone|mobile|tel|e-?mail|mail|dob|d\.o\.b|date of birth|born|address|postcode)\b|[\w.+-]+@|"
    r"\+?\(?0\d)"
)
#: Surnames that are also words of NO_NAME: they belong to a name that has begun.
SURNAMES = frozenset(
    "black white brown may april june august christian irish english french german scottish welsh"
    " german love good back middleton west north east south park green king young gray grey".split()
)
#: Endings of words about how people feel, and the names that have them.
FEELING = re.compile(r"(?:ing|ed|ic|ous|ful|able|ish|less|ated|itis|osis|emia|aemia|y's)$", re.I)
NAMES_LIKE_FEELINGS = frozenset(
    "fred ted ned jed jared alfred winifred wilfred eric erik dominic frederic cedric ludovic"
    " patric mohammed muhammed mohamed ahmed hamed waleed sterling ming ling irving ved syed saeed"
    " javed rashed khaled".split()
)
TITLES = frozenset("mr mrs ms miss mx dr prof professor doctor nurse".split())
LOOSE = re.compile(
    r"\b(?i:hi|hello|hey|good morning|good afternoon|good evening)?[,!.]?\s*\b(?i:i'?m|i am|"
    r"this is|it'?s|its|call me|im|jestem|je suis|ich bin|soy|sono|sunt|"
    r"thanks from)\s+(?P<name>[^\W\d_a-z][\w'’-]*(?: [^\W\d_a-z][\w'’-]*){0,3})"
)
RELATED = re.compile(
    r"\b(?i:my (?:best |little |older |younger |big )?(?:friend|daughter|son|husband|wife|sister|"
    r"brother|mother|mum|mom|dad|father|partner|boyfriend|girlfriend|niece|nephew|cousin|"
    r"colleague|fianc[ée]e?)|[Nn]ame)\s+(?P<name>[^\W\d_a-z][\w'’-]*(?: [^\W\d_a-z][\w'’-]*){0,3})"
)
#: After "I'm" and a word with a capital, words that go on with another thought; any other word
#: makes it an adjective.
ONWARDS = re.compile(
    r"\s*(?:[^\w\s]|$|\n|(?:and|but|from|i|i'm|im|i've|can|could|do|does|is|are|what|how|when|why|"
    r"my|with|we|just|would|who|the|speaking|here|again|btw|by|is|at|aged|age|a|an|x+)\b)",
    re.I,
)
#: "In the name of" science is no booking.
BOOKED = re.compile(
    r"\b(?i:in the name of|(?:appointment|consultation|reservation|visit)s? (?:is |was )?(?:under|"
    r"for)|(?:booking|booked)(?: it| in| is| was)? under|it(?: i|')s under)"
    rf"\s+(?P<name>{NAME_RUN})"
)
#: A name in capitals before HERE, and a Chinese one.
SHOUTED = re.compile(r"^\W*(?P<name>[A-Z][A-Z'’-]+(?: [A-Z][A-Z'’-]+){1,2}) HERE\s*(?:[,.!:-]|$)")
CHINESE = re.compile(r"(?:我叫|我的名字是|我名叫)(?P<name>[\u4e00-\u9fff]{2,3})")
TITLED = re.compile(
    r"\b(?:[Mm]rs?|[Mm]s|[Mm]iss|[Mm]x|[Dd]r|[Pp]rof(?:essor)?|[Nn]urse|[Dd]octor|[Hh]err|[Ff]rau|"
    r"[Mm]adame|[Mm]onsieur)\.? (?P<name>[A-Z][\w'’-]+(?: [A-Z][\w'’-]+){0,2})"
)
SIGNED = re.compile(
    r"(?:\b(?i:(?:kind |best |warm |many )?(?:thanks|thank you|regards|wishes|best|cheers|love|"
    r"sincerely|yours|thx|"
    r"ta))[,.!\n -]\s*)(?P<name>[A-Z][\w'’-]+(?: [A-Z][\w'’-]+){0,2})(?:\s*x*)\s*[.!]?\s*$"
)
#: Words with capitals after "I'm" or "Dr" which are no names: peoples, creeds, months, skin types,
#: brands.
NO_NAME = frozenset(
    "i i'm i've ok asian african american british english scottish welsh irish european indian"
    " pakistani bangladeshi chinese japanese korean vietnamese filipino thai malaysian indonesian"
    " nigerian ghanaian kenyan jamaican caribbean latina latino hispanic mexican brazilian spanish"
    " italian french german polish portuguese greek turkish russian ukrainian romanian iranian"
    " persian arab arabic egyptian moroccan somali ethiopian australian canadian black white brown"
    " mixed caucasian mediterranean middle eastern south north east west muslim christian jewish"
    " hindu sikh catholic buddhist vegan january february march april may june july august"
    " september october november december monday tuesday wednesday thursday friday saturday sunday"
    " christmas easter ramadan eid diwali fitzpatrick type dermapen skinpen morpheus morpheus8"
    " botox dysport roaccutane accutane isotretinoin retin-a tretinoin retinol profhilo prp prf"
    " vampire laser ipl rf co2 aha bha spf hrt nhs uk us eu usa gp hiv hpv hsv pcos aspirin"
    " ibuprofen warfarin xarelto eliquis apixaban ozempic mounjaro wegovy metformin sertraline pen"
    " pen's jart jart+ martens google hashimoto's hashimoto crohn crohn's raynaud's sjogren's lupus"
    " diabetic epileptic allergic pregnant trans nonbinary male female amazing awful normal really"
    " so very not a an the my your this it trying looking thinking thanks thank hello hi help"
    " please urgent new here covid accurate safe itchy red scared worried sorry dr mr mrs ms"
    " rosacea eczema psoriasis acne keloid melasma vitiligo dermaroller dermastamp microneedling"
    " needling botox's vitamin collagen london manchester leeds birmingham glasgow edinburgh dublin"
    " cardiff paris berlin back tomorrow today tonight later anytime when if after before asap on"
    " about only actually bad good clear common common? ok? painful sore swollen bleeding btw"
    " burning tender dry hot hurting hurts happening flaky peeling bumpy tight stinging lumpy"
    " raised purple pink bruised bruising numb worse better infected weeping crusty scabby oozing"
    " breastfeeding anaemic anemic tired science just me fine same different visible crusting shiny"
    " rough raw blotchy dark darker light patchy everywhere nowhere cheek forehead chin".split()
)
LOWER_STOP = (
    NOT_NAME
    | NO_NAME
    | frozenset(
        "and but so because also as was were will would had has have they he she we you i'm im i"
        " can could need want got get been being called spelled years year old weeks months who"
        " that's are am".split()
    )
)


def _phones(text: str, country: str) -> Iterator[Span]:
    """Phone numbers: outside of lot numbers, ids of machines, and words with digits in them."""
    for match in SPELT_DIGITS.finditer(text):
        yield Span(*match.span(), "phone")
    nobody = [match.span() for match in NO_PHONE.finditer(text)]
    for span in _dialled(text, country):
        inside = any(start <= span.start and span.end <= end for start, end in nobody)
        word = text[span.end : span.end + 1].isalpha() and text[span.end : span.end + 1] not in "x"
        if not inside and not word:
            yield span


def _dialled(text: str, country: str) -> Iterator[Span]:
    for match in DIGITS.finditer(text):
        start, end = match.span()
        digits = re.sub(r"\D", "", match.group())
        cue = CALLING.search(text, max(0, start - 40), start) is not None
        if (
            len(digits) < 7
            or _listing(match.group())
            or MONEY.search(text[max(0, start - 8) : start])
            or (QUANTITY.match(text, end) and not match.group().startswith(("0", "+")))
        ):
            continue
        lead = match.group().lstrip("(")[0] in "0+"
        if (
            len(digits) >= 10
            or (lead and len(digits) >= 8)
            or (len(digits) >= 9 and " " not in match.group().strip())
            or re.fullmatch(r"[67]\d\d \d{3} \d{3}", match.group())
            or (cue and len(digits) >= 7)
        ):
            yield Span(start, end, "phone")
    if sum(map(str.isdigit, text)) >= 7:
        for found in phonenumbers.PhoneNumberMatcher(
            text, country if country in phonenumbers.SUPPORTED_REGIONS else None
        ):
            if len(re.sub(r"\D", "", found.raw_string)) >= 8 and not MONEY.search(
                text[max(0, found.start - 8) : found.start]
            ):
                yield Span(found.start, found.end, "phone")


def _listing(run: str) -> bool:
    """Whether a run of digits is a list of lengths, years, dates or times, or a range of them."""
    parts = [part for part in re.split(r"\s*[-/ ]\s*|\s+to\s+", run.strip(" ().-/")) if part]
    dates = [part for part in re.split(r"\s+-\s+|\s+", run.strip(" ().-/")) if part]
    year = r"(?:19|20)\d\d"
    decimal = r"\d{1,2}\.\d{1,3}|\d{1,3}"
    date = (
        r"\d{1,2}[./-]\d{1,2}[./-](?:\d\d|\d{4})|(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2}|"
        r"\d{1,2}[.:]\d\d"
    )
    if len(parts) > 1 and all(re.fullmatch(year, part) for part in parts):
        return True
    if all(re.fullmatch(date, part) or part == "-" for part in dates):
        return True
    if (
        len(parts) > 1
        and all(re.fullmatch(decimal, part) for part in parts)
        and ("." in run and all("." in part or len(part) < 3 for part in parts))
        and not parts[0].startswith("0") | ("0." in run)
    ):
        return True
    if len(parts) > 2 and all(re.fullmatch(r"\d+\.\d+", part) for part in parts):
        return True
    return (
        len(parts) > 2
        and all(re.fullmatch(r"[1-9]\d{0,2}", part) for part in parts)
        and all(int(a) < int(b) for a, b in zip(parts, parts[1:]))
    )


def _postcodes(text: str) -> Iterator[Span]:
    for match in BRITISH.finditer(text):
        if match["area"].lower() in AREAS and not re.search(
            r" ?(?:1st|2nd|3rd|\dth)$", match.group()
        ):
            yield Span(*match.span(), "postcode")
    for pattern in (IRISH, CANADIAN, DUTCH):
        for match in pattern.finditer(text):
            yield Span(*match.span(), "postcode")
    for pattern in (ZIP, POSTAL, TOWN):
        yield from _group(pattern, text, "postcode")


def _group(pattern: "re.Pattern[str]", text: str, kind: str) -> Iterator[Span]:
    """The first named group of each match that took part."""
    for match in pattern.finditer(text):
        name = next(name for name in pattern.groupindex if match[name] is not None)
        yield Span(*match.span(name), kind)


def _name(text: str, start: int, end: int, capitals: bool) -> Optional[Span]:
    """The part of a run of words that is a name: up to the first word that cannot belong to one."""
    last, shouted = None, text.isupper()
    for word in re.finditer(r"\S+", text[start:end]):
        bare = word.group().strip(",.;:!?").replace("’", "'")
        plain = bare.lower()
        if last is None and plain.rstrip(".") in TITLES and word.group()[0].isupper():
            continue
        other = (
            plain in LOWER_STOP
            or plain.removesuffix("'s") in NO_NAME
            or (
                FEELING.search(plain)
                and plain not in NAMES_LIKE_FEELINGS
                and (capitals or last)
                and not (last and "-" in plain and bare[0].isupper())
            )
        )
        if (
            not bare
            or (other and not (last and plain in SURNAMES and bare[0].isupper()))
            or (capitals and (shouted or not bare[0].isupper()))
        ):
            break
        last = start + word.start() + len(word.group().rstrip(",.;:!?"))
        if word.group()[-1] in ",;:!?" or (word.group()[-1] == "." and len(bare) > 2):
            break
    return Span(start, last, "name") if last else None


def _names(text: str) -> Iterator[Span]:
    for match in SHOUTED.finditer(text):
        if not LOWER_STOP & set(match["name"].lower().split()):
            yield Span(*match.span("name"), "name")
    yield from _group(CHINESE, text, "name")
    for pattern, capitals in (
        (SAID, False),
        (SPEAKING, False),
        (HERE, True),
        (HERE_LOWER, False),
        (BACKWARDS, False),
        (LEADING, True),
        (BOOKED, True),
        (RELATED, True),
        (LOOSE, True),
        (TITLED, True),
        (SIGNED, True),
    ):
        for match in pattern.finditer(text):
            found = _name(text, *match.span("name"), capitals)
            if found and pattern is LOOSE and not ONWARDS.match(text, found.end):
                continue
            if found and (pattern is not BACKWARDS or found.end == match.end("name")):
                yield found


def _addresses(text: str) -> Iterator[Span]:
    for match in ADDRESS.finditer(text):
        if not NO_STREET & set(match["words"].lower().replace(",", " ").split()):
            yield Span(*match.span(), "address")
    for pattern in (CONTINENTAL, HOUSE):
        for match in pattern.finditer(text):
            yield Span(*match.span(), "address")


def _emails(text: str) -> Iterator[Span]:
    for pattern in (EMAIL, DISGUISED, LETTERS):
        for match in pattern.finditer(text):
            yield Span(*match.span(), "email")
    writing = re.search(r"\be?-?mail|\bwrite to\b|\bcontact\b|\breach\b", text, re.I)
    for match in SPOKEN.finditer(text):
        domain = match["domain"].lower()
        if re.sub(r"\s+dot\s+", ".", domain) in COMMON_DOMAINS or (" dot " in domain and writing):
            yield Span(*match.span(), "email")


def _whole(
    pattern: "re.Pattern[str]", kind: str, valid: Callable[[str], bool] = lambda _: True
) -> Callable[[str], Iterator[Span]]:
    def found(text: str) -> Iterator[Span]:
        for match in pattern.finditer(text):
            if valid(match.group()):
                yield Span(*match.span(), kind)

    return found


def _account(found: str) -> bool:
    """An IBAN, or what is one but for a slip of its check digits."""
    plain = re.sub(r"[ -]", "", found).upper()
    return iban.is_valid(plain) or (len(plain) >= 15 and sum(map(str.isdigit, plain)) >= 10)


def find(text: str, country: str = "GB") -> List[Span]:
    """The personal data in `text`, in order and without overlaps; phone numbers as written in
    `country` (ISO 3166 code) and with a +."""
    return list(_find(text, country))


@functools.lru_cache(maxsize=128)
def _find(text: str, country: str) -> Tuple[Span, ...]:
    """What `find` gives, kept for the newest texts: a message stands in its event, in its turn and
    in its reading.

    Where two kinds cover the same characters, the one that stands first in MASKS stays; of the same
    kind the longer one.
    """
    if len(text) > MOST:
        return (Span(0, len(text), "id"),)
    if text.isalpha():  # one word: every pattern needs a digit, a sign or a second word
        return ()
    found: List[Span] = [
        *_emails(text),
        *_whole(IBAN, "iban", _account)(text),
        *_whole(CARD, "card", lambda run: luhn.is_valid(re.sub(r"\D", "", run)))(text),
        *_group(SECURITY_CODE, text, "card"),
        *_whole(
            NHS,
            "id",
            lambda run: nhs.is_valid(run) and " " in run or "-" in run and nhs.is_valid(run),
        )(text),
        *_whole(NATIONAL_INSURANCE, "id")(text),
        *_whole(SOCIAL_SECURITY, "id")(text),
        *_group(DOCUMENT, text, "id"),
        *_group(BIRTH, text, "birth"),
        *_group(BIRTH_DAY, text, "birth"),
        *_phones(text, country),
        *_addresses(text),
        *_postcodes(text),
        *_names(text),
        *_whole(PROFILE, "profile")(text),
        *_group(HANDLE, text, "profile"),
        *_group(MACHINE, text, "profile"),
        *_group(PLATE, text, "id"),
    ]
    rank = {kind: number for number, kind in enumerate(MASKS)}
    kept: List[Span] = []
    taken = bytearray(len(text))
    for span in sorted(found, key=lambda span: (rank[span.kind], span.start - span.end)):
        if not any(taken[span.start : span.end]):
            taken[span.start : span.end] = b"\x01" * (span.end - span.start)
            kept.append(span)
    return tuple(sorted(kept, key=lambda span: span.start))


def redact(text: str, country: str = "GB") -> str:
    """`text` with a mask in place of each piece of personal data."""
    for span in reversed(find(text, country)):
        text = text[: span.start] + MASKS[span.kind] + text[span.end :]
    return text


#: Characters after a cut that are read with what is before it.
AFTER_CUT = 300


def cut(text: str, most: int, country: str = "GB") -> str:
    """The first `most` characters of a text; of one that is longer redacted, because half an
    address or number would not be known as one."""
    if len(text) <= most:
        return text
    return redact(text[: most + AFTER_CUT], country)[:most]


def words(text: str, country: str = "GB") -> Dict[str, str]:
    """The personal data in `text` as masks of assistant.handoff.veil: for places that repeat parts
    of what the visitor wrote.

    A splitter may have cut a number in two: runs of four or more digits are masked by themselves,
    and so is each word of a name.
    """
    result: Dict[str, str] = {}
    for span in find(text, country):
        whole, mask = text[span.start : span.end], MASKS[span.kind]
        parts = (
            re.findall(r"\d{4,}", whole)
            if span.kind != "name"
            else [word.strip(",.") for word in whole.split() if len(word.strip(",.")) > 2]
        )
        result.update({part: mask for part in [whole, *parts]})
    return result


def redact_all(data: Any, country: str = "GB", leave: FrozenSet[str] = frozenset()) -> Any:
    """`data` (texts in nested lists and mappings) with every text redacted; values under the keys
    `leave` stay unless they are mappings."""
    seen: Dict[str, str] = {}  # an event repeats the same words in many places

    def walk(node: Any) -> Any:
        if isinstance(node, str):
            if node not in seen:
                seen[node] = redact(node, country)
            return seen[node]
        if isinstance(node, list):
            return [walk(item) for item in node]
        if isinstance(node, dict):
            return {
                key: value if key in leave and not isinstance(value, dict) else walk(value)
                for key, value in node.items()
            }
        return node

    return walk(data)
