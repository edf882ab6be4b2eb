"""Rate limits: whose address counts, what is refused, and that a danger sign never is."""

import asyncio
from types import SimpleNamespace

import pytest
from multidict import CIMultiDict

from assistant import clinic, paths
from assistant.clinic import Limits
from assistant.rasa import throttle as throttle_module
from assistant.rasa.throttle import Throttle, Window, address_of

TRUSTED = Limits().trusted_proxies


class Headers(CIMultiDict):
    getall = CIMultiDict.getall


def call(peer, *forwarded):
    return SimpleNamespace(
        ip=peer, headers=Headers([("X-Forwarded-For", value) for value in forwarded])
    )


@pytest.mark.parametrize(
    "peer, forwarded, address",
    [
        ("127.0.0.1", [], None),
        ("::1", [], None),
        ("203.0.113.9", [], "203.0.113.9"),
        ("127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        # The left one is what the client says of itself.
        ("127.0.0.1", ["198.51.100.7, 203.0.113.9"], "203.0.113.9"),
        ("127.0.0.1", ["198.51.100.7", "203.0.113.9"], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.7"], "203.0.113.9"),  # a client that names another address
        ("203.0.113.9", ["127.0.0.1"], "203.0.113.9"),
        ("127.0.0.1", ["203.0.113.9, 127.0.0.1"], "203.0.113.9"),
        ("127.0.0.1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        ("127.0.0.1", ["[2001:db8:1:2::9]"], "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["nonsense"], "203.0.113.9"),
        ("127.0.0.1", ["203.0.113.9:52110"], "203.0.113.9"),
        ("127.0.0.1", ["[2001:db8:1:2::9]:443"], "2001:db8:1:2::/64"),  # with the port
        ("127.0.0.1", ["unknown"], "127.0.0.1"),
        ("127.0.0.1", [""], "127.0.0.1"),
        ("::1", ["203.0.113.9, _hidden"], "::/64"),  # unusable: the proxy itself counts
        ("127.0.0.1", ["127.0.0.1"], None),
        ("127.0.0.1", ["a, "], "127.0.0.1"),
    ],
)
def test_whose_address_counts(peer, forwarded, address):
    assert address_of(call(peer, *forwarded), TRUSTED) == address


@pytest.mark.parametrize(
    "headers, address",
    [
        ({"Forwarded": "for=203.0.113.9;proto=https"}, "203.0.113.9"),
        ({"Forwarded": 'for=198.51.100.7, proto=http; For="203.0.113.9:4711"'}, "203.0.113.9"),
        ({"Forwarded": 'for="[2001:db8:1:2::9]:4711"'}, "2001:db8:1:2::/64"),
        ({"Forwarded": "for=unknown"}, "127.0.0.1"),
        ({"Forwarded": "for=203.0.113.9, by=_proxy"}, "127.0.0.1"),
        ({"X-Real-IP": "203.0.113.9"}, "127.0.0.1"),
        ({"Via": "1.1 front"}, "127.0.0.1"),
        ({"X-Forwarded-Proto": "https"}, "127.0.0.1"),
        ({}, None),
    ],
)
def test_what_a_proxy_says_otherwise_is_counted_too(headers, address):
    request = SimpleNamespace(ip="127.0.0.1", headers=Headers(headers))
    assert address_of(request, TRUSTED) == address


def test_a_proxy_that_adds_nothing_is_known_by_its_http():
    request = SimpleNamespace(ip="127.0.0.1", headers=Headers(), version="1.0")
    assert address_of(request, TRUSTED) == "127.0.0.1"


def test_a_clock_that_is_set_changes_no_limit(monkeypatch):
    """The window goes by a clock of its own: by that of the machine a visitor waited for hours."""
    now, throttle = 1000.0, Throttle()
    throttle.own = Window(lambda: now)
    request = call("203.0.113.9")
    assert waits(throttle, request, 4, session="a")[3] == 60
    monkeypatch.setattr("time.time", lambda: 0.0)
    now += 59
    assert waits(throttle, request, 1, session="a") == [1]
    now += 1.5
    assert waits(throttle, request, 1, session="a") == [None]


def test_many_addresses_take_no_more_memory_than_so_much(monkeypatch):
    monkeypatch.setattr(throttle_module, "MOST_KEYS", 100)
    window = Window()
    for number in range(1000):
        window.wait("address", str(number), 1)
    assert len(window._calls) == 100 and window.wait("address", "999", 1)


def test_a_proxy_that_is_not_named_is_a_client():
    assert address_of(call("10.0.0.5", "203.0.113.9"), TRUSTED) == "10.0.0.5"
    assert address_of(call("10.0.0.5", "203.0.113.9"), [*TRUSTED, "10.0.0.0/8"]) == "203.0.113.9"


def waits(throttle, request, calls, **what):
    async def all_of_them():
        return [
            await throttle.check(
                request, Limits(messages_a_minute=3, calls_a_minute=5, sessions_a_minute=2), **what
            )
            for _ in range(calls)
        ]

    return asyncio.run(all_of_them())


def test_each_limit_is_counted_by_itself():
    throttle, one, other = Throttle(), call("203.0.113.9"), call("203.0.113.10")
    first = waits(throttle, one, 4, session="a")
    assert first[:3] == [None] * 3 and 1 <= first[3] <= 61
    # Another conversation of the same address.
    assert waits(throttle, one, 2, session="b")[0] is None
    assert waits(throttle, one, 1, session="c")[0] >= 1  # the address has had its five
    assert waits(throttle, other, 1, session="d") == [None]
    assert [bool(wait) for wait in waits(throttle, one, 3, opening=True)] == [False, False, True]
    assert waits(throttle, call("127.0.0.1"), 50, session="e") == [None] * 50


def test_the_limits_defaults_are_those_of_the_contract():
    limits = Limits()
    assert (limits.characters, limits.body_kilobytes, limits.token_hours) == (4000, 128, 24)
    written = clinic.load_clinic(paths.ROOT / "clinic.yml").limits
    # compose.yml has a proxy of its own.
    assert written.copy(update={"trusted_proxies": limits.trusted_proxies}) == limits


@pytest.mark.parametrize(
    "line, wrong",
    [
        ("characters: 20000, body_kilobytes: 64", "raise `body_kilobytes` or lower `characters`"),
        ("characters: 10", "500"),
        ("token_hours: 0", "1"),
        ("body_kilobytes: 4096", "1024"),
    ],
)
def test_limits_that_do_not_fit_are_refused(tmp_path, line, wrong):
    from assistant.yamlfile import ContentError

    path = tmp_path / "clinic.yml"
    path.write_text(
        f"name: Test Clinic\nphone: '+44 20 7946 0000'\ncountry: GB\nlimits: {{{line}}}\n", "utf-8"
    )
    with pytest.raises(ContentError, match=f"clinic.yml:4 .*{wrong}"):
        clinic.load_clinic(path)


def test_a_wrong_limit_names_its_line(tmp_path):
    from assistant.yamlfile import ContentError

    path = tmp_path / "clinic.yml"
    path.write_text(
        "name: Test Clinic\nphone: '+44 20 7946 0000'\ncountry: GB\nlimits:\n  trusted_proxies:"
        " [the balancer]\n",
        "utf-8",
    )
    with pytest.raises(ContentError, match="clinic.yml:5 .*neither an address nor a network"):
        clinic.load_clinic(path)
