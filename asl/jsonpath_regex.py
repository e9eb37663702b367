"""Regular expressions in filters: they end, whatever they look for.

Nearly all are matched by RE2, whose time grows with the text alone, and whose ``\\d`` and ``\\w`` are ASCII, as Java's
are. What RE2 does not know (lookaround, back references, possessive quantifiers), or would take long for, is matched by
backtracking under a clock: the last resort, reached by hardly any definition.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from stepsim.asl.errors import runtime_error
from stepsim.asl.jsonpath_evaluation import Evaluation

FLAGS = frozenset("imsxduU")
_STEPS = 8
"""What a match counts, however short the text."""
_SHORT = 16
"""Characters of a text whose answer is kept."""
_BACKTRACKING_ONLY = frozenset("xU")
_NAMED = re.compile(r"((?<!\\)(?:\\\\)*)\\k<(\w+)>")
"""A back reference by name, in Java's form."""
_TAKES_TOO_LONG = "The regular expression /{}/ takes too long"


@dataclass(frozen=True)
class RegularExpression:
    """``/source/flags``. Raises ValueError where it is none."""

    source: str
    flags: frozenset[str]
    _linear: Any = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_linear", _linear(self.source, self.flags))
        if self._linear is None:
            self._backtracking  # noqa: B018  # is it one at all?

    @cached_property
    def _backtracking(self) -> Any:
        import regex  # slow to import and seldom needed

        bits = regex.UNICODE if "U" in self.flags else regex.ASCII
        for flag in self.flags & frozenset("imsx"):
            bits |= getattr(regex, flag.upper())
        try:
            return regex.compile(_NAMED.sub(r"\1(?P=\2)", self.source), bits)
        except regex.error as error:
            raise ValueError(str(error)) from None

    def matches(self, text: str, run: Evaluation) -> bool:
        """Whether the whole text matches. Raises States.Runtime where that takes too long."""
        if len(text) > _SHORT:
            return self._match(text, run)
        # A payload has many times more short elements than different ones.
        answers = run.regex_answers.setdefault(id(self), {})
        answer = answers.get(text)
        if answer is None:
            answer = answers[text] = self._match(text, run)
        return answer

    def _match(self, text: str, run: Evaluation) -> bool:
        run.spend(_STEPS + (len(text) >> 8))
        if self._linear is not None:
            work = len(text) * self._linear.programsize
            if work <= run.regex_work:
                run.regex_work -= work
                return self._linear.fullmatch(text.encode("utf-8", "replace")) is not None
        return self._matches_in_time(text, run)

    def _matches_in_time(self, text: str, run: Evaluation) -> bool:
        began = time.thread_time()
        try:
            return self._backtracking.fullmatch(text, timeout=max(run.regex_seconds, 1e-6)) is not None
        except (TimeoutError, MemoryError):
            raise runtime_error(_TAKES_TOO_LONG.format(self.source)) from None
        finally:
            run.regex_seconds -= time.thread_time() - began


def _linear(source: str, flags: frozenset[str]) -> Any:
    """RE2's form of it; None where it has none."""
    if flags & _BACKTRACKING_ONLY:
        return None
    import re2  # as seldom needed

    options = re2.Options()
    options.log_errors = False
    inline = "".join(sorted(flags & frozenset("ims")))
    try:
        return re2.compile(f"(?{inline}){source}" if inline else source, options)
    except (re2.error, UnicodeEncodeError):
        return None
