import pytest

from service.access.routes import OPEN, WHO_MAY_ASK, UnguardedRoute, check

# What probes, balancers and a page's own files need before anybody has a key.
OPEN_ROUTES = {"/healthz", "/readyz", "/v2/health/live", "/v2/health/ready", "/static/<name>"}


def routes_of(app):
    return {rule.rule for rule in app.url_map.iter_rules()}


def test_every_route_of_the_application_is_in_the_table(app):
    assert routes_of(app) == set(WHO_MAY_ASK)


def test_nothing_is_open_but_health_and_the_pages_files():
    assert {route for route, who in WHO_MAY_ASK.items() if who == OPEN} == OPEN_ROUTES


def test_a_route_that_is_forgotten_stops_the_start(app):
    with pytest.raises(UnguardedRoute, match=r"\['/secret'\]"):
        check({*routes_of(app), "/secret"})


def test_a_row_without_a_route_stops_the_start(app):
    with pytest.raises(UnguardedRoute, match="/models/<name>/predict"):
        check(routes_of(app) - {"/models/<name>/predict"})
