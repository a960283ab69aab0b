"""
What pages load: scripts, the style sheet, the icon, and the viewer of the API's documentation.

Each is served under a name with a hash of its content, so that it may be kept for ever. Scripts
import one another by such names too.
"""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from service.compression import LEAST_BYTES, SMALLEST, pack

FOLDER = Path(__file__).parent
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
HASH_CHARS = 12

IMPORT = re.compile(rb'(?<=from "\./)[\w-]+\.js(?=")')
HASHED = re.compile(rf"(?P<stem>.+)\.[0-9a-f]{{{HASH_CHARS}}}(?P<ending>\.[a-z]+)")


@dataclass(frozen=True, slots=True)
class Asset:
    """
    A file under its own *name* and the *hashed* one.

    Others' stay on disk, as gzip where they are large; ours are kept, and as gzip beside.
    """

    name: str
    hashed: str
    path: Path
    content: bytes | None = None
    packed: bytes | None = None

    @property
    def media_type(self) -> str:
        """What its name says that it is."""
        return MEDIA_TYPES[Path(self.name).suffix]

    @property
    def is_on_disk_packed(self) -> bool:
        """Whether it has to be expanded for who takes no gzip."""
        return self.path.suffix == ".gz"

    @property
    def is_packed(self) -> bool:
        """Whether there is gzip of it."""
        return self.packed is not None or self.is_on_disk_packed

    def as_gzip(self) -> bytes:
        """Its bytes as gzip, of which there are some."""
        return self.path.read_bytes() if self.packed is None else self.packed

    def plain(self) -> bytes:
        """Its bytes; expanded where they are on disk as gzip, which takes a while."""
        if self.content is not None:
            return self.content
        kept = self.path.read_bytes()
        return gzip.decompress(kept) if self.is_on_disk_packed else kept


class Assets:
    """The files of *folder*: our own in `static`, others' in `vendor`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._found: dict[str, Asset] = {}
        for path in (*self._files("static"), *self._files("vendor")):
            self._add(path)

    def name_of(self, name: str) -> str:
        """The hashed name of the file *name*. Raises KeyError."""
        return self._found[name].hashed

    def find(self, name: str) -> Asset | None:
        """Find a file by its hashed name; also by one of another release, or without a hash."""
        is_hashed = HASHED.fullmatch(name)
        plain = f"{is_hashed['stem']}{is_hashed['ending']}" if is_hashed else name
        return self._found.get(plain)

    def _files(self, part: str) -> Iterator[Path]:
        for path in sorted((self._folder / part).iterdir()):
            if Path(path.name.removesuffix(".gz")).suffix in MEDIA_TYPES:
                yield path

    def _add(self, path: Path) -> Asset:
        """Take in a file, and before it those that it imports, for their names stand in it."""
        name = path.name.removesuffix(".gz")
        if name in self._found:
            return self._found[name]
        content, is_own = path.read_bytes(), path.parent.name == "static"
        if is_own:
            content = IMPORT.sub(
                lambda found: self._add(path.with_name(found[0].decode())).hashed.encode(), content
            )
        hashed = f"{Path(name).stem}.{sha256(content).hexdigest()[:HASH_CHARS]}{Path(name).suffix}"
        packed = pack(content, SMALLEST) if is_own and len(content) >= LEAST_BYTES else None
        self._found[name] = Asset(name, hashed, path, content if is_own else None, packed)
        return self._found[name]


@cache
def assets() -> Assets:
    """The files of this package, read once."""
    return Assets(FOLDER)
