"""The keeper of a server, with a server that is made up: ended, hung, slow to start."""

import pytest

from assistant import watchdog
from assistant.watchdog import HUNG_AFTER, LONGEST_PAUSE, START_LIMIT, Keeper


class Server:
    """A process that does what the test says."""

    def __init__(self):
        self.status, self.killed, self.terminated = None, False, False

    def poll(self):
        return self.status

    def kill(self):
        self.status, self.killed = -9, True

    def terminate(self):
        self.status, self.terminated = 0, True

    def wait(self, _limit=None):
        return self.status


class World:
    """A keeper, its clock, and the servers that it started."""

    def __init__(self):
        self.now, self.answers, self.servers = 0.0, False, []
        self.keeper = Keeper("rasa", self.start, lambda: self.answers, lambda: self.now)

    def start(self):
        self.servers.append(Server())
        return self.servers[-1]

    def steps(self, number, seconds=1.0):
        for _ in range(number):
            self.now += seconds
            status = self.keeper.step()
            if status is not None:
                return status
        return None


@pytest.fixture
def world():
    world = World()
    world.steps(2)
    return world


def test_a_hung_server_is_replaced(world):
    world.answers = True
    world.steps(3)
    world.answers = False
    world.steps(HUNG_AFTER - 1)
    assert not world.servers[0].killed, "a busy moment is no reason"
    world.steps(3)
    assert world.servers[0].killed and len(world.servers) == 2
    assert world.steps(HUNG_AFTER + 2) is None and not world.servers[1].killed, "it is starting"


def test_an_answer_in_between_counts(world):
    for answers in (True, *[False] * (HUNG_AFTER - 1), True, *[False] * (HUNG_AFTER - 1)):
        world.answers = answers
        world.steps(1)
    assert not world.servers[0].killed


def test_a_server_that_ended_is_started_again_after_longer_and_longer_pauses(world):
    pauses = []
    for _ in range(9):
        world.answers = True
        world.steps(1, 0.0)
        world.servers[-1].status, ended, number = -9, world.now, len(world.servers)
        assert world.steps(1, 0.0) is None
        while len(world.servers) == number:
            world.steps(1, 0.25)
        pauses.append(world.now - ended)
    assert pauses == sorted(pauses) and pauses[0] <= 1 and pauses[-1] == LONGEST_PAUSE
    world.steps(3, LONGEST_PAUSE)
    world.servers[-1].status = -9
    world.steps(4, 0.25)
    assert world.servers[-1].status is None, "after a good while the pause is short again"


def test_a_server_that_never_answered_and_ended_ends_its_keeper(world):
    world.servers[0].status = 1
    assert world.steps(1) == 1 and len(world.servers) == 1


def test_a_start_without_end_is_given_up(world):
    world.steps(2, START_LIMIT / 2 + 1)
    assert world.servers[0].killed
    world.steps(3)
    assert len(world.servers) == 2


def test_the_server_is_asked_to_end_with_its_keeper(world):
    world.keeper.end()
    assert world.servers[0].terminated and not world.servers[0].killed


def test_a_server_that_is_not_there_does_not_answer():
    assert not watchdog.answers("http://127.0.0.1:9/live")
