"""The dynos that can be rented: `dynos.toml`."""

from pathlib import Path

import msgspec

CATALOGUE = Path(__file__).with_name("dynos.toml")
ANY = "any"  # every dyno that may run more than one of a process type, of Heroku's Common Runtime
MIB = 1 << 20


class Dyno(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of dyno."""

    name: str
    runtime: str  # common, private, shield or fir
    usd_a_month: float
    memory_mib: int
    cores: int
    most: int  # of one process type
    spin_ratio: float = 1.0  # a fixed piece of Python takes so many times longer than measured

    @property
    def memory_bytes(self) -> int:
        """What its processes may use together."""
        return self.memory_mib * MIB

    @property
    def shared(self) -> bool:
        """Whether neighbours use its cores too."""
        return self.spin_ratio != 1

    @property
    def buildpack_workers(self) -> int:
        """
        WEB_CONCURRENCY as Heroku's Python buildpack sets it: min(2 × cores + 1, memory / 256 MiB).

        The buildpack counts the cores that a shared dyno can see, which are many: there memory
        decides.
        """
        by_memory = max(1, self.memory_mib // 256)
        return by_memory if self.shared else min(2 * self.cores + 1, by_memory)


class _Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    read: str
    dyno: tuple[Dyno, ...]


class UnknownDyno(ValueError):
    """No dyno of this name is in the catalogue."""


def catalogue() -> tuple[Dyno, ...]:
    """Every dyno that is known."""
    return _read().dyno


def catalogue_date() -> str:
    """When the prices were read: year and month."""
    return _read().read


def named(name: str) -> tuple[Dyno, ...]:
    """The dyno called *name*, or the ones that *any* means. Raises UnknownDyno with those known."""
    known = catalogue()
    if name == ANY:
        return tuple(dyno for dyno in known if dyno.runtime == "common" and dyno.most > 1)
    found = tuple(dyno for dyno in known if dyno.name == name.lower())
    if not found:
        names = ", ".join(dyno.name for dyno in known)
        raise UnknownDyno(f"--dyno {name}: no such dyno; use {ANY} or one of {names}")
    return found


def _read() -> _Catalogue:
    return msgspec.toml.decode(CATALOGUE.read_bytes(), type=_Catalogue)
