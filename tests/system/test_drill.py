"""The attacks of `make drill` against an assistant of their own: all of them are held, and another
visitor's emergency is answered all the time. How fast is what `make drill` measures."""

from tests.support import drill


def test_every_attack_is_held(assistant):
    outcomes = drill.run(assistant)
    assert all(o.held and o.slowest < float("inf") for o in outcomes), drill.table(outcomes)
