"""
The libraries that every worker needs, imported once by the master before it forks them.

Their memory is then the same for all, and a new worker starts without reading them. The master
stays without gevent's patches, which would have it wait on a hub: that no library keeps what they
replace, but where that is right, is tested. The service's own modules and the models come after the
fork, so that a reload sees what has changed; what pip has changed is seen by a restart or SIGUSR2.
"""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module

from service.inference import telemetry

LIBRARIES = (
    "apispec.ext.marshmallow",
    "environs",
    "flask",
    "gevent.monkey._patch_thread_common",
    "gevent.queue",
    "gevent.selectors",
    "gevent.signal",
    "gevent.ssl",
    "gevent.subprocess",
    "gevent.threading",
    "gevent.threadpool",
    "marshmallow",
    "numpy.typing",
    "onnxruntime",
    "orjson",
    "PIL.BmpImagePlugin",
    "PIL.GifImagePlugin",
    "PIL.ImageCms",
    "PIL.JpegImagePlugin",
    "PIL.PngImagePlugin",
    "PIL.PpmImagePlugin",
    "PIL.WebPImagePlugin",
    "structlog",
    "tomllib",
)

# With more than one OpenBLAS starts threads when NumPy is imported, and no thread outlives a fork.
BLAS_THREADS = "OPENBLAS_NUM_THREADS"


def import_shared() -> None:
    """Import them, and let no garbage collection touch their pages again."""
    telemetry.switch_off()
    with _one_blas_thread():
        for library in LIBRARIES:
            with suppress(Exception):  # the worker that needs it fails of it, and tells so
                import_module(library)
    gc.collect()
    gc.freeze()  # else each collection writes to every object's page (gc's documentation)


@contextmanager
def _one_blas_thread() -> Iterator[None]:
    before = os.environ.get(BLAS_THREADS)
    os.environ[BLAS_THREADS] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[BLAS_THREADS]
        else:
            os.environ[BLAS_THREADS] = before
