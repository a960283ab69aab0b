"""What the C library's allocator keeps of memory that has been freed."""

import ctypes
from contextlib import suppress

# malloc.h
M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
OWN_MAPPING_BYTES = 256 << 10


def keep_heap_small() -> None:
    """
    Let large blocks be mappings of their own, which return to the system when they are freed.

    By default glibc raises that threshold to the largest block freed so far, up to 32 MB
    (mallopt(3)), and keeps what comes after in its heap: two workers with cat-or-dog take 180 MB
    instead of 236, and give back what a flood of large bodies took. Small blocks come from one heap
    for all threads, where each would have kept one of its own: 1 to 2 MB a worker. Nothing
    elsewhere.
    """
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, OWN_MAPPING_BYTES)
        library.mallopt(M_ARENA_MAX, 1)


def trim_heap() -> None:
    """Give back free pages inside the heap; it takes some tenths of a millisecond."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
