"""How it looks: sizes, themes, right-to-left, colours, zoom, the on-screen keyboard, reduced
motion."""

import threading

import pytest

from tests.widget import fake

CASES = [
    ("desktop", "light", "ltr"),
    ("desktop", "dark", "rtl"),
    ("phone", "light", "rtl"),
    ("phone", "dark", "ltr"),
    ("narrow", "light", "ltr"),
    ("narrow", "dark", "rtl"),
]
#: Elements of the panel whose content is wider than they are, hidden helpers apart.
SPILLS = """() => {
  const root = document.querySelector('microneedling-assistant').shadowRoot;
  return [...root.querySelectorAll('.panel, .panel *')]
    .filter((e) => !e.closest('.hidden') && !e.closest('svg'))
    .filter((e) => e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1)
    .filter((e) => getComputedStyle(e).display !== 'inline')
    .map((e) => e.className || e.tagName);
}"""
OUT_OF_SIGHT = """() => {
  const root = document.querySelector('microneedling-assistant').shadowRoot;
  return [...root.querySelectorAll('.panel button, .panel a, .panel textarea')]
    .map((e) => [e.className || e.tagName, e.getBoundingClientRect()])
    .filter(([, r]) => r.width && (r.left < -1 || r.right > innerWidth + 1))
    .map(([name]) => name);
}"""


def full(visit, channel, size, **options):
    """A tab with every kind of reply in it."""
    channel.replies.update({"throat": fake.emergency, "hot": fake.same_day, "sad": fake.crisis})
    tab = visit(size, reduced_motion="reduce", **options).go(f"{channel.url}/page").open().accept()
    for text in ("does it hurt?", "throat", "hot", "sad"):
        tab.say(text)
    return tab


@pytest.mark.parametrize("size, scheme, direction", CASES)
def test_nothing_spills_sideways(visit, channel, size, scheme, direction):
    channel.page_attributes = f'lang="en" dir="{direction}"'
    tab = full(visit, channel, size, color_scheme=scheme)
    for state in ("conversation", ".person", ".menu-button"):
        if state.startswith("."):
            tab.find(state).click()
        assert tab.page.evaluate(SPILLS) == [] and tab.page.evaluate(OUT_OF_SIGHT) == [], state
        assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert tab.find(".panel").evaluate("(panel) => getComputedStyle(panel).direction") == direction
    first = tab.find(".visitor").first.bounding_box()
    middle = tab.find(".log").bounding_box()
    left_of_middle = first["x"] + first["width"] / 2 < middle["x"] + middle["width"] / 2
    assert left_of_middle == (direction == "rtl")


@pytest.mark.parametrize("size", ["phone", "narrow"])
def test_a_phone_is_filled_and_a_desktop_is_not(visit, channel, size):
    box = (
        visit(size, reduced_motion="reduce")
        .go(f"{channel.url}/page")
        .open()
        .find(".panel")
        .bounding_box()
    )
    width, height = {"phone": (390, 844), "narrow": (320, 640)}[size]
    assert (box["x"], box["y"], round(box["width"]), round(box["height"])) == (0, 0, width, height)
    desk = visit("desktop").go(f"{channel.url}/page").open()
    assert desk.find(".panel").bounding_box()["width"] == 400
    desk.page.locator("#link").click(trial=True)  # the page beside it stays usable


@pytest.mark.parametrize(
    "theme, scheme, dark",
    [
        (None, "light", False),
        (None, "dark", True),
        ("light", "dark", False),
        ("dark", "light", True),
    ],
)
def test_light_and_dark_by_device_and_by_the_page(visit, channel, theme, scheme, dark):
    if theme:
        channel.attributes["theme"] = theme
    tab = visit(color_scheme=scheme).go(f"{channel.url}/page").open()
    red = tab.find(".panel").evaluate(
        "(panel) => Number(getComputedStyle(panel).backgroundColor.match(/\\d+/)[0])"
    )
    assert (red < 64) == dark


LUMINANCE = """(element) => {
  const linear = (part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  const light = (text) => {
    const [r, g, b] = text.match(/[\\d.]+/g).slice(0, 3).map((part) => linear(part / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (one) => {
    while (getComputedStyle(one).backgroundColor === 'rgba(0, 0, 0, 0)') one = one.parentElement;
    return getComputedStyle(one).backgroundColor;
  };
  const both = [light(getComputedStyle(element).color), light(ground(element))];
  const [high, low] = both.sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "color",
    [
        "#2f6f6a",
        "#ffe600",
        "white",
        "black",
        "#808080",
        "rgb(255, 0, 0)",
        "#767676",
        "hsl(210 90% 60%)",
        "pink",
        "nonsense",
    ],
)
def test_contrast_is_kept_for_any_brand_colour(visit, channel, color, scheme):
    channel.attributes["color"] = color
    tab = visit(color_scheme=scheme, reduced_motion="reduce").go(f"{channel.url}/page")
    assert tab.find(".launcher").evaluate(LUMINANCE) >= 4.5
    tab.open()
    assert tab.find(".notice .primary").evaluate(LUMINANCE) >= 4.5
    tab.accept().say("does it hurt?")
    for selector in (
        ".visitor .bubble",
        ".person",
        ".chip",
        ".send",
        ".avatar",
        ".caveat .label",
        ".caution .text",
        ".reviewed",
        ".thumb",
    ):
        assert tab.find(selector).last.evaluate(LUMINANCE) >= 4.5, selector


def test_the_brand_colour_is_the_clinics(visit, channel):
    channel.attributes["color"] = "#7a2a5a"
    tab = visit().go(f"{channel.url}/page")
    assert (
        tab.find(".launcher").evaluate("(e) => getComputedStyle(e).backgroundColor")
        == "rgb(122, 42, 90)"
    )
    tab.open().accept()
    assert (
        tab.find(".send").evaluate("(e) => getComputedStyle(e).backgroundColor")
        == "rgb(122, 42, 90)"
    )


def test_zoomed_to_four_hundred_per_cent(visit, channel):
    tab = full(visit, channel, "desktop", viewport={"width": 320, "height": 256})
    assert tab.page.evaluate(SPILLS) == [] and tab.page.evaluate(OUT_OF_SIGHT) == []
    assert tab.find(".scroll").bounding_box()["height"] >= 60
    box = tab.find("#box").bounding_box()
    assert box["y"] + box["height"] <= 256


def test_the_on_screen_keyboard_does_not_cover_the_box(visit, channel):
    tab = visit("phone")
    tab.page.add_init_script("""(() => {
      const measures = { height: 844, width: 390, offsetTop: 0, offsetLeft: 0, scale: 1 };
      const view = Object.assign(new EventTarget(), measures);
      Object.defineProperty(window, 'visualViewport', { value: view });
    })()""")
    tab.go(f"{channel.url}/page").open().accept().say("does it hurt?")
    tab.find("#box").tap()
    tab.page.evaluate(
        "Object.assign(visualViewport, { height: 420, offsetTop: 30 });"
        " visualViewport.dispatchEvent(new Event('resize'))"
    )
    box, panel = tab.find("#box").bounding_box(), tab.find(".panel").bounding_box()
    assert (panel["y"], round(panel["height"])) == (30, 420)
    assert box["y"] >= 30 and box["y"] + box["height"] <= 450
    tab.page.evaluate(
        "Object.assign(visualViewport, { height: 844, offsetTop: 0 });"
        " visualViewport.dispatchEvent(new Event('resize'))"
    )
    assert round(tab.find(".panel").bounding_box()["height"]) == 844


def test_reduced_motion_stills_everything(visit, channel):
    tab = visit(reduced_motion="reduce").go(f"{channel.url}/page").open().accept()
    channel.hold = threading.Event()
    tab.say("does it hurt?", wait=False)
    tab.find(".typing").wait_for()
    assert (
        tab.page.evaluate(
            "document.querySelector('microneedling-assistant').shadowRoot.getAnimations().length"
        )
        == 0
    )
    still = visit().go(f"{channel.url}/page").open().accept()
    still.say("does it hurt?", wait=False)
    still.find(".typing").wait_for()
    assert (
        still.page.evaluate(
            "document.querySelector('microneedling-assistant').shadowRoot.getAnimations().length"
        )
        > 0
    )
    channel.hold.set()


def test_custom_properties_and_parts_reach_the_widget(visit, channel):
    tab = visit()
    tab.go(f"{channel.url}/page")
    tab.page.evaluate("""() => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(`
        microneedling-assistant {
          --assistant-width: 360px;
          --assistant-radius: 4px;
          --assistant-offset: 8px;
        }
        microneedling-assistant::part(launcher) { text-transform: uppercase; }
      `);
      document.adoptedStyleSheets = [sheet];
    }""")
    assert tab.find(".launcher").evaluate("(e) => getComputedStyle(e).textTransform") == "uppercase"
    box = tab.open().find(".panel").bounding_box()
    assert box["width"] == 360 and round(box["x"] + box["width"]) == 1272
    assert tab.find(".panel").evaluate("(e) => getComputedStyle(e).borderRadius") == "4px"


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_the_left_side(visit, channel, direction):
    channel.attributes["side"], channel.page_attributes = "left", f'lang="en" dir="{direction}"'
    tab = visit().go(f"{channel.url}/page")
    assert tab.find(".launcher").bounding_box()["x"] == 20
    assert tab.open().find(".panel").bounding_box()["x"] == 20


@pytest.mark.parametrize(
    "reply, size", [(fake.pain, "narrow"), (fake.emergency, "narrow"), (fake.pain, "phone")]
)
def test_a_reply_is_read_from_its_beginning(visit, channel, reply, size):
    channel.replies["now"] = reply
    tab = visit(size, reduced_motion="reduce").go(f"{channel.url}/page").open().accept()
    tab.say("does it hurt?").say("now")
    last, scroll = tab.find(".turn").last.bounding_box(), tab.find(".scroll").bounding_box()
    assert scroll["y"] <= last["y"] < scroll["y"] + scroll["height"] / 2
    if reply is fake.emergency:
        call = tab.find(".urgent .call").first.bounding_box()
        assert call["y"] + call["height"] <= scroll["y"] + scroll["height"]


def test_the_field_for_a_word_comes_into_view(visit, channel):
    tab = (
        visit("phone", reduced_motion="reduce")
        .go(f"{channel.url}/page")
        .open()
        .accept()
        .say("does it hurt?")
        .say("and then?")
    )
    tab.find(".thumb").last.tap()
    form, scroll = tab.find(".feedback form").bounding_box(), tab.find(".scroll").bounding_box()
    assert form["y"] + form["height"] <= scroll["y"] + scroll["height"] + 1


def test_the_label_of_several_caveats_stands_once(visit, channel):
    channel.replies["two"] = fake.turn(
        ("answer", "An answer."), ("caveat", "First."), ("caveat", "Second.")
    )
    tab = visit().go(f"{channel.url}/page").open().accept().say("two")
    assert [text.split() for text in tab.find(".caveat").all_inner_texts()] == [
        ["Please", "note", "First."],
        ["Second."],
    ]
