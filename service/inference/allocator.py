"""What the C library's allocator keeps of memory that has been freed."""

import ctypes
from contextlib import suppress

M_MMAP_THRESHOLD = -3  # malloc.h
OWN_MAPPING_BYTES = 256 << 10


def keep_heap_small() -> None:
    """
    Let every large block be a mapping of its own, which returns to the system when it is freed.

    By default glibc raises that threshold to the largest block freed so far, up to 32 MB
    (mallopt(3)), and keeps what comes after in its heap: two workers with cat-or-dog take 180 MB
    instead of 236, and give back what a flood of large bodies took. Nothing elsewhere.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, OWN_MAPPING_BYTES)
