"""What one evaluation of a path shares between its steps and filters: the document, what is left to do, what is known.

Every path ends well within a second, and by a count, so that it ends alike on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stepsim.asl.errors import runtime_error
from stepsim.asl.payload import JSON

MOST_STEPS = 1 << 21
"""Elements visited and comparisons made by one path. A payload has up to 131,072 elements, with 16 steps for each."""

REGEX_WORK = 1 << 24
"""Characters times instructions of regular expressions that a path matches by count: 64 instructions for a payload."""

REGEX_SECONDS = 0.4
"""What it may take for those that cannot be matched by count."""


class Evaluation:
    """One evaluation of one path, with the paths in its filters."""

    __slots__ = ("_left", "_of_document", "document", "memberships", "regex_answers", "regex_seconds", "regex_work")

    def __init__(self, document: JSON) -> None:
        self.document = document
        """What ``$`` means in filters."""
        self.memberships: dict[int, Any] = {}
        """By the identity of an array: what is known of its elements. Entries keep their arrays alive."""
        self.regex_answers: dict[int, dict[str, bool]] = {}
        """By the identity of a regular expression: which short texts match it."""
        self.regex_work = REGEX_WORK
        self.regex_seconds = REGEX_SECONDS
        self._left = MOST_STEPS
        self._of_document: dict[object, Any] = {}

    def spend(self, steps: int) -> None:
        """Count steps. Raises States.Runtime where there were too many."""
        self._left -= steps
        if self._left < 0:
            raise runtime_error(f"The path takes more than {MOST_STEPS} steps")

    def once(self, reader: object, read: Callable[[JSON, Evaluation], Any]) -> Any:
        """What a reader finds in the document, which is the same for every element that is tested."""
        self.spend(1)
        try:
            return self._of_document[reader]
        except KeyError:
            value = self._of_document[reader] = read(self.document, self)
            return value
