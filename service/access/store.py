"""How often each has asked, counted once for all instances of a fleet, in a Redis (`limits`)."""

from functools import lru_cache
from time import time

import gevent

from config.rates import Rate
from service.access.rates import Allowance

# Of a request: the store stands beside the instances, and answers within a millisecond.
ANSWER_S = 0.25
CONNECTIONS = 64


class StoreDown(Exception):
    """The store does not answer; the message says how it fails, and has no address or password."""


class Store:
    """The store at *url*; it is asked once for a request, and twice for one that is refused."""

    def __init__(self, url: str) -> None:
        # Imported late: an optional install (make install-redis), and after gevent's patches.
        from limits import RateLimitItemPerSecond  # noqa: PLC0415
        from limits.errors import StorageError  # noqa: PLC0415
        from limits.storage import RedisStorage  # noqa: PLC0415
        from limits.strategies import SlidingWindowCounterRateLimiter  # noqa: PLC0415
        from redis import BlockingConnectionPool  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415

        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=ANSWER_S,
            socket_timeout=ANSWER_S,
            socket_connect_timeout=ANSWER_S,
            retry=Retry(NoBackoff(), 0),  # the library's own would wait for seconds
        )
        storage = RedisStorage(
            "redis://", connection_pool=pool, key_prefix="weir", wrap_exceptions=True
        )
        self._error = StorageError
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._item = lru_cache(lambda rate: RateLimitItemPerSecond(rate.requests, rate.window_s))

    def hit(self, who: str, rate: Rate) -> Allowance:
        """Count a request of *who*, if it may come. Raises StoreDown."""
        item = self._item(rate)
        try:
            # The library's own limits are for each piece that comes, and for each connection.
            with gevent.Timeout(ANSWER_S, StoreDown("TimeoutError")):
                if self._limiter.hit(item, who):
                    return Allowance(is_admitted=True, left=None, reset_s=rate.window_s)
                reset_at_s = self._limiter.get_window_stats(item, who).reset_time
        except self._error as error:
            raise StoreDown(type(error.storage_error).__name__) from None
        return Allowance(is_admitted=False, left=0, reset_s=max(0.0, reset_at_s - time()))
