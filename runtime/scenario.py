"""A scenario file read, changed by ``--set``, checked and made ready; or everything that is wrong with it, at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar, cast

import msgspec

from stepsim.asl.errors import Problem
from stepsim.asl.parse import placeholders
from stepsim.asl.payload import JSON
from stepsim.asl.timestamp import parse_timestamp
from stepsim.runtime import scenario_file as written
from stepsim.runtime.api.names import check_name
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.cloud.prices import changed
from stepsim.runtime.cloud.quotas import AWS_QUOTAS, LOCAL_QUOTAS, Quotas
from stepsim.runtime.definition_source import DefinitionSource
from stepsim.runtime.expectations import Check, Expectation, parse_expectation
from stepsim.runtime.key_path import KeyPath
from stepsim.runtime.mocks.inline import mocks_of
from stepsim.runtime.scenario_account import check_prices, quotas_of
from stepsim.runtime.scenario_apis import Api, api_of
from stepsim.runtime.scenario_check import INVALID_VALUE, MISSING_FILE, Checker, ScenarioError, did_you_mean
from stepsim.runtime.scenario_faults import Fault, rule_of
from stepsim.runtime.scenario_latency import latencies_of
from stepsim.runtime.scenario_sets import Override, apply_sets
from stepsim.runtime.scenario_tables import Table, table_of
from stepsim.runtime.scenario_triggers import EventResolver, Known
from stepsim.runtime.scenario_types import (
    BucketSpec,
    GenerateSpec,
    MachineSpec,
    QueueSpec,
    Scenario,
)
from stepsim.runtime.scenario_work import WorkReader

if TYPE_CHECKING:
    from stepsim.runtime.scenario_template import TemplateScenario

__all__ = ["Scenario", "ScenarioError", "load_scenario"]

T = TypeVar("T")
W = TypeVar("W")

_EXPECTED = cast("type[str | written.Check]", str | written.Check)
_DEFINITION_SUFFIXES = (".json", ".yaml", ".yml")


def load_scenario(
    path: str | Path,
    sets: Sequence[str] = (),
    seed: int | None = None,
    *,
    clock: Literal["virtual", "system"] = "virtual",
) -> Scenario:
    """The scenario of a YAML (or JSON) file, after the ``--set`` overrides; `seed` goes before the file's own.

    On the system clock, what the file's own ``run.set`` says is changed first; on the virtual one it is only checked.
    Raises ScenarioError with every problem: of the text, of an override, and of each key, with line, column and hint.
    """
    # Imported here: most of stepsim's commands read no YAML.
    from stepsim.asl.yaml_reader import Places, YamlError, read

    path = Path(path)
    source = str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ScenarioError([Problem(MISSING_FILE, f"cannot be read: {reason}", "", 0, 0)], source) from None
    places: Places | None = None
    value: JSON = {}
    duplicates: list[Problem] = []
    if text.strip():
        try:
            value, places, twice = read(text)
        except YamlError as error:
            problem = Problem("INVALID_YAML", str(error), "", error.line, error.column, suggestion=error.suggestion)
            raise ScenarioError([problem], source) from None
        duplicates = [Problem("DUPLICATE_KEY", f"{n!r} stands twice", n, line, column) for n, line, column in twice]
    if seed is not None:
        sets = [*sets, f"seed={seed}"]
    members = _run_set(value)
    position = places.position if places else lambda _: (1, 1)
    changed, overrides, misled = apply_sets(value, sets, members if clock == "system" else None)
    checker = Checker(position, _override_of(value, overrides))
    scenario = _Resolver(checker, path, LOCAL_QUOTAS if clock == "system" else AWS_QUOTAS).scenario(changed)
    problems = sorted([*duplicates, *misled, *checker.problems], key=lambda problem: (problem.line, problem.column))
    if not problems and members and clock == "virtual":
        problems = _wrong_in_run(value, sets, members, position)
    if problems or scenario is None:
        raise ScenarioError(problems, source)
    return scenario


def _wrong_in_run(
    value: JSON, sets: Sequence[str], members: Mapping[str, JSON], position: Callable[[KeyPath], tuple[int, int]]
) -> list[Problem]:
    """What is wrong with the shape that a file's own ``run.set`` gives it: a path that leads nowhere, a wrong type."""
    changed, overrides, misled = apply_sets(value, sets, members)
    checker = Checker(position, _override_of(value, overrides))
    checker.shape(changed, written.ScenarioFile)
    return [*misled, *checker.problems]


def _run_set(value: JSON) -> Mapping[str, JSON] | None:
    run = value.get("run") if isinstance(value, dict) else None
    members = run.get("set") if isinstance(run, dict) else None
    return members if isinstance(members, dict) else None


def _override_of(value: JSON, overrides: Sequence[Override]) -> Callable[[KeyPath], str | None]:
    """Tells which override, if any, gave what stands at a path, or made the mapping that stands there."""

    def override(path: KeyPath) -> str | None:
        for made in reversed(overrides):
            shared = min(len(path), len(made.path))
            if path[:shared] == made.path[:shared] and (shared == len(made.path) or not _holds(value, path)):
                return made.text
        return None

    return override


def _holds(value: JSON, path: KeyPath) -> bool:
    for step in path:
        there = step in value if isinstance(value, dict) else isinstance(value, list) and int(step) < len(value)
        if not there:
            return False
        value = value[step]
    return True


class _Resolver:
    """Turns what is written into what is meant, part by part, so that one wrong part hides no other."""

    def __init__(self, checker: Checker, path: Path, default_quotas: Quotas) -> None:
        self._checker = checker
        self._default_quotas = default_quotas
        self._path = path
        self._base_dir = path.parent
        self._work = WorkReader(checker, path.parent)

    def scenario(self, value: JSON) -> Scenario | None:
        """The whole, or None where the checker noted a problem."""
        checker = self._checker
        checker.shape(value, written.ScenarioFile)
        if not isinstance(value, dict):
            return None
        self._relative_to(value.get("relative_to"))
        definition: DefinitionSource | None
        template = self._template(value)
        if template is None and isinstance(value.get("definition"), dict):
            # Whatever else is wrong may be so because of the template.
            return None
        if template is None:
            definition = self._file(value.get("definition"), ("definition",), _DEFINITION_SUFFIXES)
            self._check_substitutions(value.get("substitutions"), definition, ("substitutions",))
        else:
            definition = template.scenario.definition
        start_ms = self._start(value.get("start", "2026-01-01T00:00:00Z"))
        cloud = value.get("cloud")
        cloud = cloud if isinstance(cloud, dict) else {}
        seed = value.get("seed", 0)
        buckets = self._each(cloud, written.Bucket, ("cloud", "buckets"), lambda b, at: self._bucket(b, at, seed))
        tables = self._each(cloud, Table, ("cloud", "tables"), lambda table, at: table_of(table, at, checker))
        own_queues = cloud.get("queues")
        queue_names = {
            **({} if template is None else template.scenario.queues),
            **(own_queues if isinstance(own_queues, dict) else {}),
        }
        queues = self._each(
            cloud, written.Queue, ("cloud", "queues"), lambda queue, at: self._queue(queue, at, queue_names)
        )
        functions = self._each(
            value,
            written.Function,
            ("functions",),
            lambda function, at: self._work.function(function, at, queue_names),
        )
        if template is not None:
            buckets = {**template.scenario.buckets, **buckets}
            tables = {**template.scenario.tables, **tables}
            queues = {**template.scenario.queues, **queues}
            functions = template.over(template.scenario.functions, functions)
        apis = self._each(cloud, Api, ("cloud", "apis"), lambda api, at: api_of(api, at, functions, checker))
        containers = self._each(value, written.Container, ("containers",), self._work.container)
        batch_jobs = self._each(value, written.Job, ("batch_jobs",), self._work.job)
        glue_jobs = self._each(value, written.Job, ("glue_jobs",), self._work.job)
        tasks = self._each(value, written.Task, ("tasks",), self._work.task)
        athena = self._list(value, written.AthenaQuery, "athena", self._work.athena_query)
        machines = self._each(value, written.Machine, ("machines",), self._machine)
        if template is not None:
            machines = {**template.scenario.machines, **machines}
        own_name = self._own_name(value) if template is None or "name" in value else template.scenario.name
        if own_name in machines:
            message = f"{own_name!r} is the name of the scenario's own machine"
            self._checker.add(INVALID_VALUE, message, ("machines", own_name))
        for index, name in enumerate(self._list(value, str, "activities", lambda name, _: name)):
            self._check_name(name, ("activities", index))
        everything = value if template is None else template.with_its_own(value, functions)
        faults = self._list(value, Fault, "faults", lambda fault, at: rule_of(fault, at, everything, checker))
        expect: list[Expectation | Check]
        expect = self._list(value, _EXPECTED, "expect", self._expectation)
        quotas = quotas_of(value.get("quotas"), self._default_quotas, checker)
        latencies = latencies_of(value.get("latency"), checker)
        self._work.check_reserved(functions, quotas["lambda_concurrency"])
        check_prices(value.get("prices"), checker)
        known = Known(own_name, machines, functions, buckets, queues)
        events = EventResolver(checker, known, self._work.check_code, seed).events(everything)
        if checker.problems or definition is None or start_ms is None:
            return None
        mocks = None
        if value.get("mocks") is not None:
            self._file(value["mocks"].get("file"), ("mocks", "file"), _DEFINITION_SUFFIXES)
            if not checker.problems:
                mocks = mocks_of(value["mocks"], own_name, checker, str(self._path), self._base_dir)
            if checker.problems:
                return None
        file = msgspec.convert(value, written.ScenarioFile)
        scenario = Scenario(
            name=own_name,
            definition=definition,
            base_dir=self._base_dir,
            substitutions=file.substitutions,
            type=file.type,
            input=file.input,
            seed=file.seed,
            start_ms=start_ms,
            buckets=buckets,
            tables=tables,
            queues=queues,
            apis=apis,
            triggers=events.triggers,
            arrivals=events.arrivals,
            until_ms=events.until_ms,
            starts_itself=events.starts_itself,
            functions=functions,
            containers=containers,
            batch_jobs=batch_jobs,
            glue_jobs=glue_jobs,
            clusters=tuple(file.cloud.clusters),
            job_queues=tuple(file.cloud.job_queues),
            tasks=tasks,
            athena=tuple(athena),
            machines=machines,
            activities=tuple(file.activities),
            latency=file.latency != "none",
            latencies=latencies,
            quotas=quotas,
            prices=None if isinstance(file.prices, str) else changed(file.prices),
            keep_children=file.keep_children,
            faults=tuple(faults),
            mocks=mocks,
            expect=tuple(expect),
        )
        return scenario if template is None else template.merged(scenario, typed="type" in value)

    def _template(self, value: Mapping[str, JSON]) -> TemplateScenario | None:
        definition, functions = value.get("definition"), value.get("functions")
        if not isinstance(definition, dict):
            return None
        # Imported here: most scenarios name a definition.
        from stepsim.runtime.scenario_template import template_of

        own = [*functions] if isinstance(functions, dict) else []
        return template_of(definition, own, self._base_dir, self._checker)

    def _relative_to(self, folder: JSON) -> None:
        """What paths are relative to, where that is not the file's own folder."""
        if isinstance(folder, str):
            self._base_dir = self._path.parent / folder
            self._work = WorkReader(self._checker, self._base_dir)
            if not self._base_dir.is_dir():
                self._checker.add(MISSING_FILE, f"there is no folder {self._base_dir}", ("relative_to",))

    def _own_name(self, value: Mapping[str, JSON]) -> str:
        """The scenario's name: as written, else the file's, or its folder's where the file is called scenario."""
        name = value.get("name")
        if isinstance(name, str) and name:
            return name
        return self._path.resolve().parent.name if self._path.stem == "scenario" else self._path.stem

    def _each(
        self, holder: JSON, kind: type[W], path: KeyPath, resolve: Callable[[W, KeyPath], T | None]
    ) -> dict[str, T]:
        """What the members of a mapping mean; a member without a value is one with defaults."""
        members = holder.get(path[-1])
        resolved: dict[str, T] = {}
        for name, member in members.items() if isinstance(members, dict) else ():
            item = self._checker.converted({} if member is None else member, kind, (*path, name))
            meant = None if item is None else resolve(item, (*path, name))
            if meant is not None:
                resolved[name] = meant
        return resolved

    def _list(self, holder: JSON, kind: type[W], name: str, resolve: Callable[[W, KeyPath], T | None]) -> list[T]:
        elements = holder.get(name)
        resolved: list[T] = []
        for index, element in enumerate(elements if isinstance(elements, list) else ()):
            item = self._checker.converted(element, kind, (name, index))
            meant = None if item is None else resolve(item, (name, index))
            if meant is not None:
                resolved.append(meant)
        return resolved

    def _file(self, name: JSON, path: KeyPath, suffixes: tuple[str, ...]) -> Path | None:
        if not isinstance(name, str):
            return None
        file = self._base_dir / name
        if not file.is_file():
            self._checker.add(MISSING_FILE, f"there is no file {file}", path)
        elif file.suffix.lower() not in suffixes:
            self._checker.add(INVALID_VALUE, f"a file ending in {', '.join(suffixes)} expected, not {name!r}", path)
        return file

    def _check_substitutions(self, substitutions: JSON, definition: Path | None, path: KeyPath) -> None:
        """Note each that the definition has no placeholder for: it would change nothing."""
        if definition is None or not definition.is_file() or not isinstance(substitutions, dict) or not substitutions:
            return
        names = placeholders(definition.read_text(encoding="utf-8", errors="replace"))
        for name in substitutions:
            if name not in names:
                message = f"{definition.name} has no placeholder ${{{name}}}"
                self._checker.add(INVALID_VALUE, message, (*path, name), did_you_mean(name, names))

    def _start(self, text: JSON) -> int | None:
        if not isinstance(text, str):
            return None
        moment_ns = parse_timestamp(text)
        if moment_ns is None:
            self._checker.add(INVALID_VALUE, f"a time such as 2026-01-05T02:00:00Z expected, not {text!r}", ("start",))
            return None
        return moment_ns // 1_000_000

    def _bucket(self, bucket: written.Bucket, path: KeyPath, seed: int) -> BucketSpec:
        if not 3 <= len(str(path[-1])) <= 63:
            self._checker.add(INVALID_VALUE, "S3 makes no bucket of that name: it has 3 to 63 characters", path)
        folder = None if bucket.folder is None else self._base_dir / bucket.folder
        if folder is not None and not folder.is_dir():
            self._checker.add(MISSING_FILE, f"there is no folder {folder}", (*path, "from"))
        generate = None if bucket.generate is None else self._generate(bucket.generate, (*path, "generate"), seed)
        return BucketSpec(generate, folder)

    def _generate(self, generate: written.Generate, path: KeyPath, seed: int) -> GenerateSpec:
        own_seed = seed if generate.seed is None else generate.seed
        if (generate.body is None) == (generate.size is None):
            advice = "write body: module:function for bodies that are read, size: 1024 for some that only count"
            self._checker.add(INVALID_VALUE, "generate takes either a body or a size", path, advice)
        spec = GenerateSpec(generate.count, generate.key, generate.body, own_seed, generate.size)
        from stepsim.runtime.cloud.generated import recogniser

        try:
            distinct = spec.object_key(0) != spec.object_key(1) or spec.count < 2
            recogniser(spec.key, spec.count if distinct else 1)
        except (ValueError, LookupError, AttributeError) as error:
            self._checker.add(INVALID_VALUE, f"no pattern of n: {error}", (*path, "key"), "write {n} or {n:06d}")
        else:
            if not distinct:
                self._checker.add(INVALID_VALUE, "the same key for every n", (*path, "key"), "write {n} or {n:06d}")
        if generate.body is not None:
            self._work.check_code(generate.body, (*path, "body"))
        return spec

    def _queue(self, queue: written.Queue, path: KeyPath, names: Mapping[str, JSON]) -> QueueSpec:
        if (queue.dlq is None) != (queue.max_receive is None):
            self._checker.add(INVALID_VALUE, "dlq and max_receive go together", path)
        self._work.queue_name(queue.dlq, (*path, "dlq"), names)
        if queue.dlq is not None and queue.dlq == path[-1]:
            self._checker.add(INVALID_VALUE, "a queue cannot be its own dead-letter queue", (*path, "dlq"))
        return QueueSpec(queue.visibility_s, queue.dlq, queue.max_receive, queue.duplicates)

    def _check_name(self, name: str, path: KeyPath) -> None:
        try:
            check_name(name)
        except ApiError:
            self._checker.add(INVALID_VALUE, f"AWS takes no such name: {name!r}", path)

    def _machine(self, machine: written.Machine, path: KeyPath) -> MachineSpec | None:
        self._check_name(str(path[-1]), path)
        definition = self._file(machine.definition, (*path, "definition"), _DEFINITION_SUFFIXES)
        self._check_substitutions(machine.substitutions, definition, (*path, "substitutions"))
        return None if definition is None else MachineSpec(definition, machine.type, machine.substitutions)

    def _expectation(self, expected: str | written.Check, path: KeyPath) -> Expectation | Check | None:
        if isinstance(expected, written.Check):
            self._work.check_code(expected.check, (*path, "check"))
            return Check(expected.check, str(self._path), self._checker.place(path)[0])
        try:
            return parse_expectation(expected)
        except ValueError as error:
            self._checker.add(INVALID_VALUE, str(error), path)
            return None
