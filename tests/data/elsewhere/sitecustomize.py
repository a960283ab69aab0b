"""Takes away what only Linux has, as far as this project's code could call it."""

import os
import resource
import socket

LINUX_ONLY = {
    os: (
        "sched_getaffinity", "sched_setaffinity", "posix_fallocate", "memfd_create", "pidfd_open",
        "eventfd", "splice", "copy_file_range", "O_PATH", "O_TMPFILE", "unshare", "setns",
    ),
    resource: ("prlimit",),
    socket: ("TCP_INFO", "TCP_QUICKACK", "TCP_DEFER_ACCEPT", "SO_PEERCRED"),
}  # fmt: skip

for module, names in LINUX_ONLY.items():
    listed = getattr(module, "__all__", [])
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
        if name in listed:
            listed.remove(name)
