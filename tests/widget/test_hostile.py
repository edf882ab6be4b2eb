"""Hostile text from a visitor, from a knowledge file, from the clinic's own card: shown as text,
nothing runs, the layout holds."""

import pytest
from ruamel.yaml import YAML

from assistant import compose, knowledge, paths
from assistant.turn import public
from assistant.yamlfile import ContentError
from tests.widget.fake import turn
from tests.widget.test_looks import OUT_OF_SIGHT, SPILLS

TEXTS = [
    "<script>document.title='run'</script>",
    "<img src=x onerror=\"document.title='run'\">",
    "<svg/onload=\"document.title='run'\"><a href='javascript:1'>x</a></svg>",
    "[click](javascript:document.title='run')",
    (
        "[click](JaVaScRiPt&colon;document.title='run')"
        " [data](data:text/html,<script>alert(1)</script>) [vb](vbscript:x)"
    ),
    "![x](https://evil.example/pixel.png) ![y](javascript:1)",
    "<https://evil.example/> [ref][1]\n\n[1]: javascript:document.title='run'",
    "&lt;script&gt;&#106;avascript: &amp;amp;",
    (
        "<style>*{display:none}</style><form action='https://evil.example'><input"
        " name=q></form><iframe src='https://evil.example'></iframe>"
    ),
    (
        '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1'
        " onerror=document.title='run'&gt;\">"
    ),
    "abc \u202e txet desrever \u202c \u2066isolated\u2069 end",
    "zero\u200bwidth\u200d\ufeff\u00ad" * 40,
    "x" * 10_000,
    "Z\u0351\u036b\u0343\u036a" * 200,
    "| a | b |\n|---|---|\n| " + "y" * 400 + " | z |",
    "```\n" + "code " * 200 + "\n```",
    "${7*7} {{7*7}} {name} __proto__ constructor",
]
INSIDE = "document.querySelector('microneedling-assistant').shadowRoot"


def harmless(tab):
    """Nothing ran, nothing was loaded, nothing dangerous stands in the panel, and the layout
    holds."""
    assert tab.page.title() == "A clinic"
    assert (
        tab.page.evaluate(
            f"{INSIDE}.querySelectorAll('.panel :is(script, img, iframe, style, form:not(.composer,"
            " .feedback form), object, embed, math, link)').length"
        )
        == 0
    )
    links = tab.page.evaluate(f"[...{INSIDE}.querySelectorAll('.panel a')].map((a) => a.href)")
    assert all(link.split(":")[0] in ("https", "tel", "mailto") for link in links), links
    assert (
        tab.page.evaluate(
            f"[...{INSIDE}.querySelectorAll('.panel .text *')].flatMap((e) =>"
            " e.getAttributeNames()).filter((name) => !['href', 'target', 'rel',"
            " 'dir'].includes(name))"
        )
        == []
    )
    assert tab.page.evaluate(SPILLS) == [] and tab.page.evaluate(OUT_OF_SIGHT) == []
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert [url for url in tab.requests if "evil" in url] == []


@pytest.mark.parametrize("size", ["desktop", "narrow"])
def test_from_the_visitor(visit, channel, size):
    tab = visit(size, reduced_motion="reduce").go(f"{channel.url}/page").open().accept()
    for text in TEXTS:
        tab.say(text)
        assert tab.find(".visitor .bubble").last.evaluate("(e) => e.textContent") == text.strip()
        assert tab.find(".visitor .bubble").last.evaluate("(e) => e.childElementCount") == 0
    harmless(tab)
    tab.page.reload()
    if size == "narrow":
        tab.open()
    tab.find(".visitor").nth(len(TEXTS) - 1).wait_for()
    harmless(tab)


@pytest.mark.parametrize("size", ["desktop", "narrow"])
def test_from_a_knowledge_file(visit, channel, size):
    for number, text in enumerate(TEXTS):
        sources = [
            {
                "id": "s",
                "title": text,
                "publisher": text[:300],
                "year": None,
                "url": "javascript:document.title='run'",
            }
        ]
        roles = ("answer", "caveat", "caution", "triage")
        channel.replies[f"say {number}"] = turn(
            (roles[number % 4], text),
            choices=((text[:200], "pain"),),
            sources=sources,
            reviewed_on="2026-11-20",
            kind="triage" if number % 4 == 3 else "answer",
            urgency="emergency" if number % 4 == 3 else "none",
        )
    tab = visit(size, reduced_motion="reduce").go(f"{channel.url}/page").open().accept()
    for number in range(len(TEXTS)):
        tab.say(f"say {number}")
        tab.find("summary").last.click()
    harmless(tab)
    shown = tab.find(".turn").nth(1).locator(".text").inner_text()
    assert shown == TEXTS[0]  # markup is shown as it was written
    # A link that may not be followed is only its words.
    assert tab.find(".turn").nth(4).locator(".text a").count() == 0


def test_safe_markdown_still_works(visit, channel):
    channel.replies["list"] = turn(
        (
            "answer",
            (
                "Two things:\n\n1. **Wash** gently\n2. See [the"
                " leaflet](https://clinic.example/leaflet)\n\nCall +44 20 7946 0958, not +44 20"
                " 7946 09581 or £999."
            ),
        )
    )
    tab = visit().go(f"{channel.url}/page").open().accept().say("list")
    text = tab.find(".turn").nth(1).locator(".text")
    assert text.locator("ol li").count() == 2 and text.locator("strong").inner_text() == "Wash"
    leaflet = text.locator("a[href='https://clinic.example/leaflet']")
    assert (
        leaflet.get_attribute("target") == "_blank"
        and leaflet.get_attribute("rel") == "noopener noreferrer"
    )
    assert text.locator("a[href^='tel:']").all_inner_texts() == ["+44 20 7946 0958"]


YAML12 = YAML(typ="safe")  # in which `on:` is a word
#: What a copy of the knowledge base says instead, by the file's key; a title has 32 characters at
#: most.
WRITTEN = {
    "answer": (
        "<script>document.title='run'</script> <img src=x onerror=\"document.title='run'\">"
        " [click](javascript:document.title='run') &lt;b&gt; &#106;avascript: abc \u202e txet"
        " desrever \u202c end"
    ),
    "short": "<iframe src='https://evil.example'></iframe>",
    "title": "<b onclick=run()>Pain</b>",
    "question": "<script>document.title='run'</script> hurts?",
}


@pytest.fixture
def hostile(tmp_path):
    """A copy of the knowledge base with markup in the texts of `pain`, in its caveats and in its
    sources."""
    for file in paths.KNOWLEDGE.glob("*.yml"):
        data = YAML12.load(file)
        if file.stem == "treatment":
            data["topics"]["pain"].update(WRITTEN)
        for entry in (data.get("caveats") or {}).values():
            entry["text"] = "<svg/onload=\"document.title='run'\"> [data](data:text/html,x)"
        for entry in (data.get("sources") or {}).values():
            entry["title"] = entry["publisher"] = (
                "\u202e<img src=x onerror=\"document.title='run'\">"
            )
        YAML12.dump(data, tmp_path / file.name)
    return tmp_path


@pytest.mark.parametrize("size", ["desktop", "narrow"])
def test_from_a_knowledge_file_through_loader_and_composition(visit, channel, hostile, size):
    kb = knowledge.load(hostile)
    asked = compose.compose(
        {"questions": [{"decision": "answer", "topic": "pain", "text": "does it hurt"}]}, None, kb
    )[0]
    numbing = compose.compose(
        {"questions": [{"decision": "answer", "topic": "numbing", "text": "numbing"}]}, None, kb
    )[0]
    numbing.choices = [compose.topic_choice(kb.topic("pain"))]
    channel.replies.update({"hurt": public(asked.as_dict()), "numb": public(numbing.as_dict())})
    tab = visit(size, reduced_motion="reduce").go(f"{channel.url}/page").open().accept()
    for text in ("hurt", "numb"):
        tab.say(text)
        tab.find("summary").last.click()
    harmless(tab)
    shown = tab.find(".turn").nth(1)
    assert (
        "<script>document.title='run'</script>" in shown.locator(".answer .text").inner_text()
        and "\u202e" in shown.locator(".answer .text").inner_text()
    )
    assert (
        shown.locator(".answer .text a").count() == 0
        and "<svg/onload" in shown.locator(".caveat").first.inner_text()
    )
    assert tab.find(".chip").last.inner_text() == WRITTEN["title"]
    assert shown.locator(".sources li").first.inner_text().startswith("\u202e<img")


@pytest.mark.parametrize(
    "url",
    [
        "javascript:document.title='run'",
        "data:text/html,x",
        "//evil.example",
        "https://evil.example/ x",
    ],
)
def test_a_source_that_leads_elsewhere_is_refused_by_the_loader(hostile, url):
    file = hostile / "sources.yml"
    data = YAML12.load(file)
    next(iter(data["sources"].values()))["url"] = url
    YAML12.dump(data, file)
    with pytest.raises(ContentError, match=r"sources.yml:\d+ .*url"):
        knowledge.load(hostile)


def test_from_the_clinics_card(visit, channel):
    before = channel.card
    channel.card = {
        **before,
        "assistant_name": TEXTS[0],
        "name": TEXTS[1],
        "notice": TEXTS[2],
        "privacy_link": "https://clinic.example/privacy",
        "email": "a@b.example",
    }
    try:
        tab = visit("narrow").go(f"{channel.url}/page").open()
        assert TEXTS[2] in tab.find(".notice").inner_text()
        tab.find(".person").click()
        harmless(tab)
    finally:
        channel.card = before
