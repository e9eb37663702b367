"""Golden histories: what a run did, kept in a file, and what has changed since."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from stepsim.asl.payload import JSON, encode
from stepsim.runtime.machine_tests.changes import changes
from stepsim.runtime.machine_tests.result import MachineResult
from stepsim.runtime.machine_tests.trace import Trace, trace_of

FORMAT = 1
"""The form of a golden file; one of another form is not compared with."""

_UPDATE = "pytest --update-golden writes it"


class GoldenError(AssertionError):
    """A golden file cannot be compared with: which, why, and what to do."""


class Golden:
    """The golden history in a file: ``assert result == golden`` holds where a run did the same, ids and times aside."""

    __hash__ = object.__hash__

    def __init__(self, file: Path, *, update: bool = False, tell: Callable[[list[str]], None] = lambda _: None) -> None:
        """With `update` the file is written anew, not compared with; `tell` gets what differs, a line each."""
        self.file = file
        self.update = update
        self._tell = tell
        self._written: MachineResult | None = None

    def __eq__(self, other: object) -> bool:
        __tracebackhide__ = True
        return self.holds(other) if isinstance(other, MachineResult) else self is other

    def __repr__(self) -> str:
        return f"<golden history {self.file.name}>"

    def __call__(self, name: str) -> Golden:
        """A further golden history of the same test."""
        return Golden(self.file.with_name(f"{self.file.stem}.{name}.json"), update=self.update, tell=self._tell)

    def holds(self, result: MachineResult) -> bool:
        """True where a run did what is written. Raises GoldenError where that cannot be told."""
        __tracebackhide__ = True
        trace = trace_of(result.reading)
        if self.update:
            self._write(result, trace)
            return True
        if not any(changes(self._read()["trace"], trace)):
            return True
        self._tell(self.explain(result))
        return False

    def explain(self, result: MachineResult) -> list[str]:
        """What has changed, a line each."""
        golden = self._read()
        trace = trace_of(result.reading)
        lines = [f"the run is not what {self.file.name} says:"]
        lines += [f"  {line}" for line in changes(golden["trace"], trace)]
        if golden.get("machine") != result.name:
            lines.append(f"(the golden history is of the machine {golden.get('machine')!r}, this is {result.name!r})")
        elif golden.get("definition") != digest(result.definition):
            lines.append("(the definition has changed since it was written)")
        return [*lines, f"(if that is right, {_UPDATE}: {self.file})"]

    def _write(self, result: MachineResult, trace: Trace) -> None:
        __tracebackhide__ = True
        if self._written is not None and self._written is not result:
            raise GoldenError(f"{self.file} is compared with two runs of a test: write golden('name') for the second")
        self._written = result
        golden = {
            "stepsim_golden": FORMAT,
            "machine": result.name,
            "definition": digest(result.definition),
            "trace": trace,
        }
        self.file.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: others may read it meanwhile.
        fresh = self.file.with_name(f"{self.file.name}.{os.getpid()}.new")
        fresh.write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        fresh.replace(self.file)

    def _read(self) -> dict[str, Any]:
        __tracebackhide__ = True
        try:
            text = self.file.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise GoldenError(f"there is no golden history {self.file} yet: {_UPDATE}") from None
        try:
            golden = json.loads(text)
        except ValueError as error:
            message = f"{self.file} is no golden history: it is not JSON ({error}); mend it, or {_UPDATE} anew"
            raise GoldenError(message) from None
        form = golden.get("stepsim_golden") if isinstance(golden, dict) else None
        if form is None:
            raise GoldenError(f"{self.file} is no golden history: 'stepsim_golden' is missing; {_UPDATE} anew")
        if form != FORMAT:
            raise GoldenError(
                f"{self.file} is in format {form!r} of another version of stepsim, and this one reads format {FORMAT}: "
                f"look at what the test does now, then {_UPDATE} anew"
            )
        found: dict[str, Any] = golden
        return found


def digest(definition: JSON) -> str:
    """What tells one definition from another."""
    return sha256(encode(definition).encode("utf-8", "surrogatepass")).hexdigest()[:16]
