"""Files that several processes share: what is read is what one of them wrote as a whole."""

import os
import threading
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Replace *path*, so that a reader sees all of *content* or what was there. Raises OSError."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        fresh.write_bytes(content)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
