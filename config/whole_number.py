"""Whole numbers as people write them in the environment: plain decimal digits."""

import re

from marshmallow import ValidationError

# Python's int() reads 1_000 and digits of other scripts, too.
DIGITS = re.compile(r"[0-9]{1,18}")


class WholeNumber:
    """Checks that a text spells a whole number from *lowest* to *highest*."""

    def __init__(self, lowest: int, highest: int) -> None:
        self._range = range(lowest, highest + 1)

    def __call__(self, text: str) -> None:
        """Raise ValidationError saying what is wanted."""
        if not DIGITS.fullmatch(text) or int(text) not in self._range:
            lowest, highest = self._range[0], self._range[-1]
            raise ValidationError(f"a whole number from {lowest} to {highest} is wanted")
