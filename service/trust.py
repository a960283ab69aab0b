"""Which peers are proxies whose word counts: about the client's address, and about the scheme."""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address, ip_network


def trust_in(proxies: tuple[str, ...]) -> Callable[[str], bool]:
    """Tell of a peer's address whether it is one of *proxies*: addresses, networks, or "*"."""
    everyone = "*" in proxies
    networks = [] if everyone else [ip_network(proxy.strip(), strict=False) for proxy in proxies]

    @lru_cache(maxsize=1024)
    def trusts(peer: str) -> bool:
        return everyone or any(ip_address(peer) in network for network in networks)

    return trusts
