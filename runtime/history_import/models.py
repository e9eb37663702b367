"""What was observed as parts of a scenario: functions, tasks, faults and buckets, with comments that explain them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from stepsim.asl.errors import StatesError
from stepsim.asl.expression import Expression, Scope
from stepsim.asl.payload import JSON, decode
from stepsim.runtime.console import duration, number
from stepsim.runtime.history_import.fitting import fit, percentile
from stepsim.runtime.history_import.observed import FUNCTION_TIMED_OUT, MapSamples, Observed, TaskSamples

_LAMBDA_MAX_S = 900
_EXACT_FAILURES = 50
"""So many children that failed for good are faults of their own; beyond, a probability stands for them."""
_OBJECT_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Part:
    """One value of a scenario with what is to be said above it, and beside each of its members."""

    value: JSON
    about: tuple[str, ...] = ()
    beside: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Models:
    """The parts of a scenario that the recordings give."""

    functions: dict[str, Part] = field(default_factory=dict)
    tasks: dict[str, Part] = field(default_factory=dict)
    buckets: dict[str, Part] = field(default_factory=dict)
    faults: list[Part] = field(default_factory=list)
    maps: list[str] = field(default_factory=list)
    """A sentence for each Map."""


def models_of(observed: Observed, first_input: JSON) -> Models:
    """Make the parts. What has to be done by hand becomes a warning of `observed`."""
    models = Models()
    by_function: dict[str, list[TaskSamples]] = {}
    for name, samples in observed.tasks.items():
        function = _function_of(samples)
        if function is None:
            models.tasks[name] = _task(samples)
            _add_hangs(models, {"state": name}, samples.timeouts, samples.attempts)
        else:
            by_function.setdefault(function, []).append(samples)
    for function, users in by_function.items():
        _add_function(models, function, users)
    for name, samples in observed.tasks.items():
        models.faults += _lasting_failures(name, samples, observed)
    for name, seen in observed.maps.items():
        _add_map(models, name, seen, observed, first_input)
    return models


def _function_of(samples: TaskSamples) -> str | None:
    """The one function that a Task invokes; None where it is none, or now this and now that."""
    if not samples.is_lambda:
        return None
    if samples.function is not None:
        return samples.function
    return next(iter(samples.functions)) if len(samples.functions) == 1 else None


def _add_function(models: Models, function: str, users: Sequence[TaskSamples]) -> None:
    """A function, with the samples of all Tasks that invoke it; where they got different results, a model of each."""
    results = {_frequent(samples.results) for samples in users if samples.results}
    if len(results) > 1:
        for samples in users:
            models.tasks[samples.state.name] = _task(
                samples, f"{function} returns something else here than in other states"
            )
            _add_hangs(models, {"state": samples.state.name}, samples.timeouts, samples.attempts)
        return
    merged = _merged(users)
    about, value, beside = _described(merged, [samples.state.name for samples in users])
    value["cold_start"] = "0s"
    beside["cold_start"] = "what was recorded holds it"
    value["timeout_s"] = _LAMBDA_MAX_S
    if merged.function_timeout_s is not None:
        value["timeout_s"] = max(1, min(_LAMBDA_MAX_S, math.ceil(merged.function_timeout_s)))
    models.functions[function] = Part(value, tuple(about), beside)
    _add_hangs(models, {"function": function}, merged.function_timeouts, merged.attempts)
    for samples in users:
        _add_hangs(models, {"state": samples.state.name}, samples.timeouts, samples.attempts)


def _merged(users: Sequence[TaskSamples]) -> TaskSamples:
    if len(users) == 1:
        return users[0]
    merged = TaskSamples(users[0].state)
    for samples in users:
        merged.durations_ms += samples.durations_ms
        merged.succeeded_ms += samples.succeeded_ms
        merged.failed_ms += samples.failed_ms
        merged.errors.update(samples.errors)
        merged.results.update(samples.results)
        merged.causes = {**samples.causes, **merged.causes}
        for name in ("attempts", "visits", "retries", "timeouts", "function_timeouts", "children"):
            setattr(merged, name, getattr(merged, name) + getattr(samples, name))
        times = [one for one in (merged.function_timeout_s, samples.function_timeout_s) if one is not None]
        merged.function_timeout_s = max(times, default=None)
    return merged


def _task(samples: TaskSamples, why: str = "") -> Part:
    about, value, beside = _described(samples, [samples.state.name])
    if samples.function_timeouts:
        # A model of a Task has no time-out of its own to run into.
        value.setdefault("errors", []).append(
            {
                "error": FUNCTION_TIMED_OUT,
                "probability": _share(samples.function_timeouts, samples.attempts - samples.timeouts),
            }
        )
    return Part(value, tuple([*about, why] if why else about), beside)


def _described(samples: TaskSamples, states: Sequence[str]) -> tuple[list[str], dict[str, JSON], dict[str, str]]:
    """The comment, the model, and comments on its members, as functions and tasks have them in common."""
    named = ", ".join(states)
    if not samples.attempts:
        return [f"{named}: nothing was recorded; answers at once"], {"returns": {}}, {}
    value: dict[str, JSON] = {}
    beside: dict[str, str] = {}
    if samples.results:
        value["returns"] = decode(_frequent(samples.results))
        if len(samples.results) > 1:
            times = samples.results[_frequent(samples.results)]
            beside["returns"] = (
                f"one of {number(len(samples.results))} different results; it came {number(times)} times"
            )
    else:
        value["returns"] = {}
        beside["returns"] = "what it returned was not recorded"
    if samples.durations_ms:
        fitted = fit(samples.durations_ms)
        value["duration"], beside["duration"] = fitted.duration, fitted.form
    ended = samples.attempts - samples.timeouts - samples.function_timeouts
    tried = f"{number(ended)} attempts" if ended > 1 else "1 attempt"
    if samples.errors:
        value["errors"] = [
            {"error": error, "probability": _share(count, ended)}
            | ({"cause": samples.causes[error]} if samples.causes[error] else {})
            for error, count in samples.errors.most_common()
        ]
        counts = ", ".join(f"{number(count)} {error}" for error, count in samples.errors.most_common())
        beside["errors"] = f"of {tried}: {counts}"
    return [f"{named}: {line}" if not index else line for index, line in enumerate(_told(samples))], value, beside


def _told(samples: TaskSamples) -> Iterable[str]:
    """What was seen, in a few lines."""
    ordered = sorted(samples.durations_ms)
    if samples.children:
        share = "" if samples.shared_by < 2 else f", each Task's share of {samples.shared_by}"
        first = f"{number(samples.children)} children of a map run{share}"
    else:
        retried = f", {number(samples.retries)} of them retries" if samples.retries else ""
        first = f"{number(samples.attempts)} attempts{retried}" if samples.attempts > 1 else "1 attempt"
    if not ordered:
        yield first
        return
    shown = [f"mean {_ms(fmean(ordered))}"]
    if len(ordered) > 1:
        shown += [f"{name} {_ms(percentile(ordered, share))}" for name, share in (("p50", 0.5), ("p99", 0.99))]
        shown.append(f"max {_ms(ordered[-1])}")
    yield f"{first}; {', '.join(shown)}"
    if samples.succeeded_ms and samples.failed_ms:
        means = _ms(fmean(samples.succeeded_ms)), _ms(fmean(samples.failed_ms))
        yield f"what succeeded took {means[0]} on average, what failed {means[1]}"


def _ms(milliseconds: float) -> str:
    return duration(milliseconds / 1000)


def _frequent(results: Counter[str]) -> str:
    return results.most_common(1)[0][0]


def _share(count: int, of: int) -> float:
    """Rounded down, so that the shares of several errors are never more than the whole."""
    return math.floor(count / of * 1_000_000) / 1_000_000 if count < of else 1.0


def _add_hangs(models: Models, aim: dict[str, JSON], count: int, attempts: int) -> None:
    """Attempts that ran out of time, as what makes them do so again."""
    if count:
        about = f"{number(count)} of {number(attempts)} attempts ran out of time"
        models.faults.append(Part({**aim, "probability": _share(count, attempts), "hang": True}, (about,)))


def _lasting_failures(name: str, samples: TaskSamples, observed: Observed) -> list[Part]:
    """Children that failed although their Task is tried again.

    A few are struck one by one, in every attempt. Of many, a probability of each attempt lets as
    many fail.
    """
    failing = samples.failing_children
    if not failing:
        return []
    if len(failing) <= _EXACT_FAILURES:
        batched = any(seen.batched and name in seen.state.processor.states for seen in observed.maps.values())
        how_many = f"{number(len(failing))} of {number(samples.children)} children"
        about = f"{how_many} failed after all retries; which ones, is not known"
        parts = []
        for index, (error, cause) in enumerate(failing):
            place = "batch" if batched else "item"
            value = {"state": name, place: index * samples.children // len(failing), "error": error}
            parts.append(Part(value | ({"cause": cause} if cause else {}), (about,) if not index else ()))
        return parts
    counts = Counter(error for error, _ in failing)
    parts = []
    for error, count in counts.most_common():
        tries = 1 + max(retrier.max_attempts for retrier in samples.state.retry)
        probability = math.floor((count / samples.children) ** (1 / tries) * 1_000_000) / 1_000_000
        about = (
            f"{number(count)} of {number(samples.children)} children failed with it after {tries} attempts: so often "
            f"must each attempt fail"
        )
        parts.append(Part({"state": name, "probability": probability, "error": error}, (about,)))
    return parts


def _add_map(models: Models, name: str, seen: MapSamples, observed: Observed, first_input: JSON) -> None:
    if seen.runs:
        runs = f"{number(seen.runs)} times" if seen.runs > 1 else "once"
        items = f"{number(seen.items)} items" if seen.items != 1 else "1 item"
        what = "children" if seen.state.distributed is not None else "iterations"
        peak = f", {number(seen.peak)} {what} at a time at the most" if seen.peak else ""
        models.maps.append(f"{name} ran {runs}, {items}{peak}")
    distributed = seen.state.distributed
    if distributed is None:
        return
    subject = first_input if seen.input is None else seen.input
    if distributed.reader is not None:
        arguments = _arguments(distributed.reader.arguments, subject)
        bucket = arguments.get("Bucket")
        if not isinstance(bucket, str):
            observed.warnings.append(f"{name} reads a bucket that nothing recorded names: put it under cloud.buckets.")
        elif distributed.reader.resource.action == "listObjectsV2":
            listed = seen.items // max(1, seen.runs)
            key = str(arguments.get("Prefix", "")).replace("{", "{{").replace("}", "}}") + "{n:06d}"
            value = {"generate": {"count": listed, "key": key, "size": _OBJECT_BYTES}}
            models.buckets[bucket] = Part(
                value, (f"what {name} lists: as many as were recorded; their sizes were not",)
            )
        else:
            models.buckets.setdefault(bucket, Part({}))
            observed.warnings.append(
                f"{name} reads {arguments.get('Key', 'an object')} in the bucket {bucket}: put a copy into a folder, "
                f"and the folder under cloud.buckets: {bucket}: {{from: FOLDER}}."
            )
    if distributed.writer is not None and distributed.writer.arguments is not None:
        bucket = _arguments(distributed.writer.arguments, subject).get("Bucket")
        if isinstance(bucket, str):
            models.buckets.setdefault(bucket, Part({}, (f"where {name} writes its results",)))


def _arguments(expression: Expression, subject: JSON) -> dict[str, JSON]:
    """What an ItemReader or a ResultWriter is given; nothing where the input does not say it."""
    try:
        found = expression(subject, Scope(lambda: {"Execution": {"Input": subject}}, {}))
    except StatesError:
        return {}
    return found if isinstance(found, dict) else {}
