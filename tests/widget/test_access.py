"""Accessibility: axe-core in every state, a conversation with the keyboard alone, announcements,
focus, target sizes."""

import threading

import pytest

from assistant import paths
from tests.widget import fake

AXE = paths.ROOT / "widget" / "node_modules" / "axe-core" / "axe.min.js"
#: Runs axe. What it leaves undecided because a scrolled container cuts it off is brought into view
#: and judged again; nothing else is excused.
RUN = """async (start) => {
  const options = {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    resultTypes: ['violations', 'incomplete'],
  };
  const where = (rule) => rule.nodes.map((node) => {
    const said = [...node.any, ...node.all].map((check) => check.message).join('; ');
    return `${rule.id}: ${node.target.flat().join(' ')} (${said})`;
  });
  const found = await axe.run(start, options);
  const incomplete = [];
  for (const rule of found.incomplete) for (const node of rule.nodes) {
    const root = Array.isArray(node.target[0])
      ? document.querySelector('microneedling-assistant').shadowRoot
      : document;
    const element = root.querySelector(node.target.flat().at(-1));
    element.scrollIntoView({ block: 'center', behavior: 'instant' });
    const again = await axe.run(element, options);
    incomplete.push(...again.incomplete.flatMap(where), ...again.violations.flatMap(where));
  }
  return {
    violations: found.violations.flatMap(where),
    incomplete,
    passes: found.passes.map((rule) => rule.id),
  };
}"""
DEEP = """() => {
  let e = document.activeElement;
  while (e?.shadowRoot?.activeElement) e = e.shadowRoot.activeElement;
  return e && (e.id || e.className || e.tagName);
}"""


@pytest.fixture(scope="module")
def axe():
    if not AXE.exists():
        pytest.skip(
            f"{AXE.relative_to(paths.ROOT)} is missing: `make widget-packages` fetches it (needs"
            " Node.js)"
        )
    return AXE.read_text("utf-8")


def sound(tab, axe, state, start="microneedling-assistant"):
    """axe finds nothing wrong, leaves nothing undecided, and has judged the contrast."""
    tab.page.evaluate(f"() => {{ if (!window.axe) {{ {axe} }} }}")
    found = tab.page.evaluate(RUN, start)
    assert found["violations"] == [], state
    assert "color-contrast" in found["passes"], state
    assert found["incomplete"] == [], state


@pytest.mark.parametrize(
    "size, scheme, direction",
    [
        ("desktop", "light", "ltr"),
        ("phone", "dark", "rtl"),
        ("narrow", "light", "ltr"),
        ("desktop", "dark", "ltr"),
    ],
)
def test_axe_finds_nothing_in_any_state(visit, channel, axe, size, scheme, direction):
    channel.page_attributes = f'lang="en" dir="{direction}"'
    channel.replies.update(
        {
            "throat": fake.emergency,
            "hot": fake.same_day,
            "bruise": fake.soon,
            "sad": fake.crisis,
            "price": lambda: fake.reminder("emergency"),
        }
    )
    tab = visit(size, color_scheme=scheme, reduced_motion="reduce").go(f"{channel.url}/page")
    sound(tab, axe, "launcher")
    channel.fail("clinic", 503)
    tab.open()
    sound(tab, axe, "start failed")
    tab.find(".problem button").click()
    tab.find(".notice").wait_for()
    sound(tab, axe, "notice")
    tab.find(".person").click()
    sound(tab, axe, "person before the notice")
    tab.page.keyboard.press("Escape")
    tab.accept()
    sound(tab, axe, "greeting")
    channel.hold = threading.Event()
    tab.say("does it hurt?", wait=False).say("and after?", wait=False)
    tab.find(".typing").wait_for()
    sound(tab, axe, "typing and queued")
    channel.hold.set()
    tab.find(".turn").nth(2).wait_for()
    tab.find("summary").last.click()
    tab.find(".thumb").last.click()
    tab.find(".feedback input").wait_for()
    sound(tab, axe, "answer, sources, comment")
    for text in ("throat", "hot", "bruise", "sad", "price"):
        tab.say(text)
        sound(tab, axe, text)
    tab.find("#box").fill("x" * 4001)
    sound(tab, axe, "over the limit")
    tab.find("#box").fill("")
    for button in ("Start again", "Delete my conversation", "About this assistant"):
        tab.find(".menu-button").click()
        sound(tab, axe, "menu")
        tab.find(".sheet").get_by_text(button).click()
        sound(tab, axe, button)
        tab.page.keyboard.press("Escape")
    channel.fail("messages", 429, Retry_After="5")
    tab.say("again", wait=False)
    tab.find(".problem").wait_for()
    sound(tab, axe, "trouble")
    channel.expire()
    tab.find(".problem button").click()
    tab.find(".note").wait_for()
    tab.find(".visitor small").wait_for(state="detached")
    sound(tab, axe, "expired")
    tab.find(".menu-button").click()
    channel.fail("sessions", 503)
    tab.find(".sheet").get_by_text("Delete my conversation").click()
    tab.find(".sheet .danger").click()
    tab.find(".sheet .problem").wait_for()
    sound(tab, axe, "deletion failed")
    tab.find(".sheet .danger").click()
    tab.find("section.card").wait_for()
    sound(tab, axe, "deleted")


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_axe_finds_nothing_in_spanish_and_after_a_reload(visit, channel, axe, size):
    channel.attributes["lang"] = "es"
    channel.replies.update({"throat": fake.emergency, "bruise": fake.soon})
    tab = visit(size, locale="es-ES", reduced_motion="reduce").go(f"{channel.url}/page").open()
    sound(tab, axe, "notice")
    tab.accept().say("does it hurt?").say("throat").say("bruise")
    sound(tab, axe, "conversation")
    tab.find(".person").click()
    sound(tab, axe, "person")
    tab.page.reload()
    if size == "phone":
        tab.open()
    tab.find(".turn").nth(3).wait_for()
    sound(tab, axe, "restored")


@pytest.mark.slow
@pytest.mark.parametrize("size, scheme", [("desktop", "light"), ("narrow", "dark")])
def test_axe_finds_nothing_on_the_demo_page(assistant, visit, axe, size, scheme):
    tab = visit(size, color_scheme=scheme, reduced_motion="reduce").go(assistant.url + "/demo")
    sound(tab, axe, "demo page", "html")


def test_a_whole_conversation_with_the_keyboard_alone(visit, channel):
    channel.replies["throat"] = fake.emergency
    tab = visit().go(f"{channel.url}/page")
    keys = tab.page.keyboard

    def tab_to(name, key="Tab"):
        for _ in range(40):
            if name in (tab.page.evaluate(DEEP) or ""):
                return
            keys.press(key)
        raise AssertionError(f"{name} cannot be reached; the focus is on {tab.page.evaluate(DEEP)}")

    tab_to("launcher")
    keys.press("Enter")
    tab.find(".notice").wait_for()
    assert tab.page.evaluate(DEEP) == "title"
    tab_to("primary")
    keys.press("Enter")
    tab.find("#box").wait_for()
    assert tab.page.evaluate(DEEP) == "box"
    keys.type("does it hurt?")
    keys.press("Enter")
    tab.find(".turn").nth(1).wait_for()
    tab_to("SUMMARY", "Shift+Tab")
    keys.press("Enter")
    assert tab.find(".sources li a").is_visible()
    tab_to("chip")
    keys.press("Enter")
    tab.find(".turn").nth(2).wait_for()
    tab_to("thumb")
    keys.press("Space")
    tab.find(".feedback input").wait_for()
    tab_to("INPUT")
    keys.type("clear")
    keys.press("Enter")
    tab.find(".thanks").wait_for()
    assert tab.page.evaluate(DEEP) == "thumb"
    tab_to("box")
    keys.type("throat")
    keys.press("Enter")
    tab.find(".urgent").wait_for()
    tab_to("call", "Shift+Tab")
    tab_to("person", "Shift+Tab")
    keys.press("Enter")
    assert tab.page.evaluate(DEEP) == "sheet"
    keys.press("Escape")
    assert tab.page.evaluate(DEEP) == "person"
    tab_to("menu-button", "Shift+Tab")
    keys.press("Enter")
    tab_to("row")
    for _ in range(2):
        keys.press("Tab")
    keys.press("Enter")
    assert tab.find("#sheet").inner_text() == "Delete my conversation"
    tab_to("danger")
    keys.press("Enter")
    tab.find("section.card").wait_for()
    assert tab.page.evaluate(DEEP) == "primary"
    keys.press("Escape")
    assert tab.page.evaluate(DEEP) == "launcher"


def test_the_focus_is_not_trapped_beside_a_page(visit, channel):
    tab = visit().go(f"{channel.url}/page").open().accept()
    seen = set()
    for _ in range(20):
        tab.page.keyboard.press("Tab")
        seen.add(tab.page.evaluate(DEEP))
    assert {"link", "box", "chip"} <= seen


def test_a_full_screen_panel_keeps_the_page_behind_out_of_reach(visit, channel):
    tab = visit("phone").go(f"{channel.url}/page").open().accept()
    seen = set()
    for _ in range(20):
        tab.page.keyboard.press("Tab")
        seen.add(tab.page.evaluate(DEEP))
    assert "link" not in seen and {"box", "chip"} <= seen


def test_replies_are_announced_once_and_whole(visit, channel):
    tab = visit().go(f"{channel.url}/page").open().accept()
    assert (
        tab.find(".log").get_attribute("role") == "log"
        and tab.find(".log").get_attribute("aria-live") == "polite"
    )
    tab.page.evaluate("""() => {
      const root = document.querySelector('microneedling-assistant').shadowRoot;
      const log = root.querySelector('.log');
      window.heard = [];
      const observer = new MutationObserver((records) => {
        for (const { target, addedNodes } of records) for (const node of addedNodes) {
          if (node.textContent.trim()) heard.push([target === log, node.textContent]);
        }
      });
      observer.observe(log, { childList: true, subtree: true });
    }""")
    tab.say("does it hurt?").say("and then?")
    tab.find("summary").first.click()
    tab.page.wait_for_timeout(300)
    heard = tab.page.evaluate("heard")
    assert [whole for whole, _ in heard] == [True] * 4
    assert (
        "pressure and a prickle" in heard[1][1]
        and "Please note" in heard[1][1]
        and "Reviewed" in heard[1][1]
    )


def test_a_restored_conversation_is_not_read_out(visit, channel):
    tab = visit().go(f"{channel.url}/page").open().accept().say("does it hurt?")
    tab.page.reload()
    tab.find(".turn").nth(1).wait_for()
    assert tab.find(".log").get_attribute("aria-live") == "off"
    tab.find(".log[aria-live=polite]").wait_for()


@pytest.mark.parametrize("size, least", [("desktop", 24), ("phone", 44)])
def test_targets_are_large_enough(visit, channel, size, least):
    channel.replies["throat"] = fake.emergency
    tab = visit(size, reduced_motion="reduce").go(f"{channel.url}/page")
    launcher = tab.find(".launcher").bounding_box()
    assert launcher["height"] >= 44
    tab.open().accept().say("does it hurt?").say("throat")
    tab.find(".thumb").first.click()
    tab.find(".feedback input").wait_for()
    tab.find("summary").first.click()
    small = tab.page.evaluate(
        """(least) => {
          const root = document.querySelector('microneedling-assistant').shadowRoot;
          const targets = ['button', 'textarea', 'input', 'summary', 'a'];
          return [...root.querySelectorAll(targets.map((name) => `.panel ${name}`).join())]
            .filter((e) => !e.closest('.text'))
            .map((e) => [e.className || e.tagName, e.getBoundingClientRect()])
            .filter(([, r]) => r.width)
            .filter(([, r]) => r.height < least - 0.5 || r.width < Math.min(least, 44) - 0.5)
            .map(([name, r]) => [name, r.width, r.height]);
        }""",
        least,
    )
    assert small == []  # links inside a sentence are exempt (WCAG 2.5.8)


def test_names_contain_the_visible_words(visit, channel):
    tab = visit().go(f"{channel.url}/page").open().accept().say("does it hurt?")
    wrong = tab.page.evaluate("""() => {
      const root = document.querySelector('microneedling-assistant').shadowRoot;
      return [...root.querySelectorAll('button[aria-label], a[aria-label]')]
        .filter((e) => !e.getAttribute('aria-label').includes(e.innerText.trim()))
        .map((e) => e.className);
    }""")
    assert wrong == []


def test_forced_colours_keep_edges(visit, channel):
    tab = (
        visit(forced_colors="active").go(f"{channel.url}/page").open().accept().say("does it hurt?")
    )
    assert (
        tab.find(".visitor .bubble").evaluate("(e) => getComputedStyle(e).borderTopStyle")
        == "solid"
    )
