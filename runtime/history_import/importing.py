"""`import_history`: recordings and a definition in, a scenario and what is to be said of it out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from stepsim.asl.payload import JSON
from stepsim.runtime.console import duration, number
from stepsim.runtime.definition import load_definition
from stepsim.runtime.history_import.definition_states import foreign_states, place_map_runs, states_of
from stepsim.runtime.history_import.models import models_of
from stepsim.runtime.history_import.observed import observe
from stepsim.runtime.history_import.recordings import ImportProblem, RecordedHistory, Recordings, read_recordings
from stepsim.runtime.history_import.scenario_text import Heading, scenario_text
from stepsim.runtime.machine_tests.visits import Reading, read_visits
from stepsim.runtime.result_writer import iso_date


@dataclass(frozen=True, slots=True)
class Imported:
    """A scenario made of recordings."""

    scenario: str
    """Its YAML."""
    summary: tuple[str, ...]
    """What was read, a line each."""
    warnings: tuple[str, ...]
    """What it lacks, and what was guessed."""


def import_history(
    paths: Iterable[Path], definition: Path, folder: Path, substitutions: Mapping[str, str] | None = None
) -> Imported:
    """The scenario of recorded executions; `folder` is where it is to lie.

    Raises ImportProblem for recordings that cannot be read or that another definition has made, and DefinitionError.
    """
    filled = substitutions or {}
    loaded = load_definition(definition, filled, "STANDARD")
    found = read_recordings(paths)
    states = states_of(loaded.machine)
    problems = [told for history in found.histories if (told := foreign_states(history, states, definition))]
    if problems:
        raise ImportProblem(problems)
    readings = [_reading(history) for history in found.histories]
    placed, problems = place_map_runs(found.map_runs, readings, states, definition)
    if problems:
        raise ImportProblem(problems)
    if not (readings or placed):
        raise ImportProblem(
            ["There is neither a history nor a result file of a map run: nothing tells how long it took."]
        )
    called = {state: function for function, names in loaded.functions.items() for state in names}
    observed = observe(readings, placed, states, called)
    # Children have histories, too; their first state is another one.
    own = [one for one in readings if one.visits and one.visits[0].state == loaded.machine.start_at]
    given, start_ms, name = _begun(found, own, definition)
    if given is None:
        observed.warnings.append("What the executions were given was not recorded: write it under input.")
    models = models_of(observed, given)
    observed.warnings.extend(f"{path} is nothing that can be imported, and was left out." for path in found.left_out)
    summary = [*_read(found), *_outcomes(own), *(f"map: {line}" for line in models.maps)]
    missing = [task for task, samples in observed.tasks.items() if not samples.attempts]
    if missing:
        observed.warnings.append(
            f"Nothing was recorded of {', '.join(missing)}: such a Task answers at once, with {{}}."
        )
    heading = Heading(
        ["Imported by `stepsim import-history`.", *summary],
        name,
        Path(os.path.relpath(definition.resolve(), folder.resolve())).as_posix(),
        None if start_ms is None else iso_date(start_ms - start_ms % 1000),
        {} if given is None else given,
        filled,
    )
    return Imported(scenario_text(heading, models), tuple(summary), tuple(observed.warnings))


def _reading(history: RecordedHistory) -> Reading:
    try:
        return read_visits(history.events)
    except (KeyError, TypeError, ValueError) as error:
        reason = f"{error} is missing in an event" if isinstance(error, KeyError) else str(error)
        raise ImportProblem([f"{history.file} is not what GetExecutionHistory returns: {reason}."]) from None


def _begun(found: Recordings, own: Sequence[Reading], definition: Path) -> tuple[JSON, int | None, str]:
    """The input of the first execution, when it began, and the name of its machine."""
    described = sorted((one for one in found.executions if one.map_run is None), key=lambda one: one.start_ms)
    name = described[0].machine if described else definition.name.split(".")[0]
    moments: list[tuple[int, JSON]] = [(reading.start_ms, reading.input) for reading in own]
    moments += [(one.start_ms, one.input) for one in described]
    moments.sort(key=lambda moment: moment[0])
    given = next((value for _, value in moments if value is not None), None)
    return given, moments[0][0] if moments else None, name


def _read(found: Recordings) -> Iterable[str]:
    events = sum(len(history.events) for history in found.histories)
    children = sum(len(run.children) for run in found.map_runs)
    runs = _count(len(found.map_runs), "map run", "map runs")
    shown = [
        f"{_count(len(found.histories), 'history', 'histories')} with {number(events)} events" if events else "",
        _count(len(found.executions), "described execution", "described executions") if found.executions else "",
        f"{_count(children, 'child', 'children')} of {runs}" if children else "",
    ]
    yield f"read: {', '.join(filter(None, shown))}"


def _count(count: int, one: str, many: str) -> str:
    return f"{number(count)} {one if count == 1 else many}"


def _outcomes(own: Sequence[Reading]) -> Iterable[str]:
    """How the executions ended, and how long they took."""
    ended = [reading for reading in own if reading.stop_ms is not None]
    if not ended:
        return
    statuses = Counter(reading.status for reading in ended)
    shown = ", ".join(f"{number(count)} {status}" for status, count in statuses.most_common())
    times = sorted(((reading.stop_ms or 0) - reading.start_ms) / 1000 for reading in ended)
    spread = f", {duration(times[0])} to {duration(times[-1])}" if len(times) > 1 else ""
    yield f"executions: {shown}; {duration(fmean(times))} on average{spread}"
