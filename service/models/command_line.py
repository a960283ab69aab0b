"""Commands whose wrong usage is one sentence and exit code 2, and whose Ctrl-C is clean."""

import signal
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from service.log_text import harmless_lines

WRONG_USAGE = 2
INTERRUPTED = 130


@contextmanager
def uninterrupted() -> Iterator[None]:
    """
    Let a Ctrl-C wait until the block ends, which then raises KeyboardInterrupt.

    Raised while a native module is imported it is lost, or is a failure of the import.
    """
    noted: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, lambda number, _frame: noted.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if noted:
        raise KeyboardInterrupt


class CommandLine(ArgumentParser):
    """argparse's, without the lines of usage before what is wrong."""

    def error(self, message: str) -> NoReturn:
        """End with a sentence."""
        self.exit(
            WRONG_USAGE, harmless_lines(f"{self.prog}: {message}; {self.prog} --help tells more\n")
        )
