"""
Who may ask each route: the one table of it, by the route's pattern.

The application refuses to start with a route that is not here, or a row without a route.
"""

from collections.abc import Iterable

from config.api_keys import ADMIN, METRICS, PREDICT

# Nobody needs a key, and no rate counts it: what probes and balancers ask, and a page's own files.
OPEN = "open"

WHO_MAY_ASK = {
    "/": PREDICT,
    "/docs": PREDICT,
    "/healthz": OPEN,
    "/metrics": METRICS,
    "/models": PREDICT,
    "/models/<name>": PREDICT,
    "/models/<name>/example": PREDICT,
    "/models/<name>/predict": PREDICT,
    "/models/<name>/versions/<version>": PREDICT,
    "/models/<name>/versions/<version>/example": PREDICT,
    "/models/<name>/versions/<version>/predict": PREDICT,
    "/openapi.json": PREDICT,
    "/readyz": OPEN,
    "/static/<name>": OPEN,
    "/v2": PREDICT,
    "/v2/<any(systemsharedmemory, cudasharedmemory):kind>/<path:rest>": PREDICT,
    "/v2/health/live": OPEN,
    "/v2/health/ready": OPEN,
    "/v2/logging": PREDICT,
    "/v2/models": PREDICT,
    "/v2/models/<name>": PREDICT,
    "/v2/models/<name>/<any(generate, generate_stream):kind>": PREDICT,
    "/v2/models/<name>/config": PREDICT,
    "/v2/models/<name>/infer": PREDICT,
    "/v2/models/<name>/ready": PREDICT,
    "/v2/models/<name>/stats": PREDICT,
    "/v2/models/<name>/trace/setting": PREDICT,
    "/v2/models/<name>/versions/<version>": PREDICT,
    "/v2/models/<name>/versions/<version>/<any(generate, generate_stream):kind>": PREDICT,
    "/v2/models/<name>/versions/<version>/config": PREDICT,
    "/v2/models/<name>/versions/<version>/infer": PREDICT,
    "/v2/models/<name>/versions/<version>/ready": PREDICT,
    "/v2/models/<name>/versions/<version>/stats": PREDICT,
    "/v2/models/<name>/versions/<version>/trace/setting": PREDICT,
    "/v2/models/stats": PREDICT,
    "/v2/repository/index": ADMIN,
    "/v2/repository/models/<name>/load": ADMIN,
    "/v2/repository/models/<name>/unload": ADMIN,
    "/v2/repository/reload": ADMIN,
    "/v2/trace/setting": PREDICT,
    "/version": PREDICT,
}

# The routes of pages, which WEIR_PAGES takes away.
PAGES = frozenset({"/docs", "/openapi.json", "/static/<name>"})


class UnguardedRoute(RuntimeError):
    """A route is not in the table, or a row of it is no route's: a fault of the program."""


def check(routes: Iterable[str]) -> None:
    """Raise UnguardedRoute unless the *routes* and the table's are the same."""
    there = set(routes)
    missing = there - WHO_MAY_ASK.keys()
    idle = WHO_MAY_ASK.keys() - there - PAGES
    if missing or idle:
        raise UnguardedRoute(
            f"service/access/routes.py does not say who may ask {sorted(missing)}, "
            f"and speaks of {sorted(idle)}, which are no routes"
        )
