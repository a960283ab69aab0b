"""A connection is ended in the phase that was meant, or not at all."""

import gevent
import pytest

from service.wire.phases import HandlingTimeout, IdleTimeout, Phased


class Visit(Phased):
    """A connection in a greenlet of its own, which goes through *phases* as it is told."""

    def __init__(self, timed_out):
        super().__init__(timed_out)
        self.outcome = ""

    def stay(self, phase):
        self._enter(phase, 0)
        try:
            gevent.sleep(5)
        except BaseException as error:  # noqa: BLE001  # which one is what is asked
            self.outcome = type(error).__name__

    def enter(self, phase):
        self._enter(phase)


@pytest.fixture
def visit():
    """A connection that stays in a phase, and what was told of its deadlines."""
    timed_out, visits = [], []

    def come(phase):
        def live():
            visits.append(Visit(timed_out.append))
            visits[0].stay(phase)

        greenlet = gevent.spawn(live)
        gevent.sleep(0)
        return visits[0], greenlet

    return come, timed_out


@pytest.mark.parametrize(("phase", "error"), [("idle", IdleTimeout), ("handling", HandlingTimeout)])
def test_a_phase_that_outlasts_its_deadline_is_ended_and_counted(visit, phase, error):
    come, timed_out = visit
    connection, greenlet = come(phase)

    connection.expire()
    greenlet.join(5)

    assert connection.outcome == error.__name__
    assert timed_out == [phase]


def test_a_phase_that_has_ended_meanwhile_is_left_alone(visit):
    come, timed_out = visit
    connection, greenlet = come("idle")

    connection.expire()
    connection.enter("head")
    gevent.sleep(0.01)

    assert (connection.outcome, timed_out, greenlet.dead) == ("", [], False)
    greenlet.kill()


def test_only_an_idle_connection_is_closed_at_the_end(visit):
    come, timed_out = visit
    connection, greenlet = come("handling")

    connection.close_if_idle()
    gevent.sleep(0.01)
    assert not greenlet.dead
    connection.enter("idle")
    connection.close_if_idle(idle_for_s=60)
    gevent.sleep(0.01)
    assert not greenlet.dead
    connection.close_if_idle()
    greenlet.join(5)

    assert (connection.outcome, timed_out) == ("IdleTimeout", [])


@pytest.mark.parametrize(
    ("phase", "has_asked", "makes_room"),
    [
        ("idle", True, True),
        ("closing", True, True),
        ("head", False, True),
        ("head", True, False),
        ("body", True, False),
        ("handling", True, False),
        ("write", True, False),
    ],
)
def test_who_has_begun_makes_no_room(visit, phase, has_asked, makes_room):
    connection, greenlet = visit[0](phase)
    connection.has_asked = has_asked

    assert connection.make_room(connection.phases) is makes_room
    assert connection.make_room(connection.phases - 1) is False
    greenlet.kill()
