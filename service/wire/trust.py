"""Which peers are proxies whose word about the scheme counts."""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address
from typing import Any


def trust_of(cfg: Any) -> Callable[[str], bool]:
    """Tell of a peer's address whether Gunicorn's `forwarded_allow_ips` names it."""
    everyone = "*" in cfg.forwarded_allow_ips
    networks = cfg.forwarded_allow_networks()

    @lru_cache(maxsize=1024)
    def trusts(peer: str) -> bool:
        return everyone or any(ip_address(peer) in network for network in networks)

    return trusts
