"""A mock configuration file read and checked; or everything that is wrong with it, at once.

What only the machine can tell (whether there is such a state, how often it can be tried) ``checking.py`` looks at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from stepsim.asl.errors import DefinitionError, Problem
from stepsim.asl.parse import Document, parse
from stepsim.asl.payload import EMPTY, JSON, Payload
from stepsim.runtime.key_path import KeyPath, format_key_path, parse_key_path
from stepsim.runtime.mocks import written
from stepsim.runtime.mocks.answers import (
    Answer,
    Finding,
    MockedCase,
    MockedState,
    MockFile,
    Origin,
    Response,
    Rule,
    Span,
)
from stepsim.runtime.scenario_check import (
    INVALID_VALUE,
    MISSING_FILE,
    MISSING_KEY,
    WRONG_TYPE,
    Checker,
    ScenarioError,
    did_you_mean,
)
from stepsim.workers.durations import parse_time

_ATTEMPTS = re.compile(r"(0|[1-9]\d*)(?:-(0|[1-9]\d*))?")
_HOW_ATTEMPTS_ARE_WRITTEN = 'write "0" for the first attempt, "1-2" for the second and the third'


class MockConfigError(ScenarioError):
    """Mocks cannot be used. ``findings`` holds everything wrong with them."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        source = self.findings[0].origin.source if self.findings else "mocks"
        super().__init__([_problem(finding) for finding in self.findings], source)
        self.args = ("\n".join(map(str, self.findings)),)


def _problem(finding: Finding) -> Problem:
    at = finding.origin
    return Problem(
        finding.code, finding.message, at.key, at.line, at.column, finding.severity, suggestion=finding.suggestion
    )


def load_mocks(path: str | Path) -> MockFile:
    """The mocks of a file, JSON or YAML. Raises MockConfigError with everything wrong with it."""
    source = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise MockConfigError([Finding(MISSING_FILE, f"cannot be read: {reason}", Origin(source, 0, 0, ""))]) from None
    return read_mocks(text, source)


def read_mocks(text: str, source: str) -> MockFile:
    """The mocks of a text; YAML where the source's name ends so. Raises as `load_mocks`."""
    document, findings = _parsed(text, source)
    checker = Checker(document.position)
    checker.shape(document.value, written.MockConfig)
    value = document.value if isinstance(document.value, dict) else {}
    reader = CaseReader(checker, source)
    own = _mapping(value, "stepsim")
    responses = {
        **reader.responses(value.get("MockedResponses"), written.Answer, ("MockedResponses",)),
        **reader.responses(own.get("responses"), written.OwnAnswer, ("stepsim", "responses")),
    }
    for name in _mapping(own, "responses"):
        if name in _mapping(value, "MockedResponses"):
            checker.add(INVALID_VALUE, f"{name!r} stands in MockedResponses, too", ("stepsim", "responses", name))
    cases = _cases(value, own, reader, responses)
    findings += [finding_of(problem, source) for problem in checker.problems]
    if findings:
        raise MockConfigError(sorted(findings, key=lambda finding: (finding.origin.line, finding.origin.column)))
    file = msgspec.convert(value, written.MockConfig)
    strict, validate_responses = file.stepsim.strict, file.stepsim.validate_responses
    made = {
        machine: {
            name: MockedCase(machine, name, source, states, strict, validate_responses)
            for name, states in of_machine.items()
        }
        for machine, of_machine in cases.items()
    }
    return MockFile(source, made, responses, strict, validate_responses)


def finding_of(problem: Problem, source: str) -> Finding:
    """A problem, with the file that it is in."""
    origin = Origin(source, problem.line, problem.column, problem.path)
    return Finding(problem.code, problem.message, origin, problem.suggestion, problem.severity)


def find_case(file: MockFile, machine: str, test_case: str) -> MockedCase:
    """A test case by its name, or as ``MACHINE#NAME``.

    Where only the name is given, it is one of `machine`; where the file has nothing on that and only one other machine,
    of that one. Raises LookupError, whose text says what there is.
    """
    named, separator, name = test_case.rpartition("#")
    if not separator:
        named = machine if machine in file.cases or len(file.cases) != 1 else next(iter(file.cases))
    if named not in file.cases:
        hint = did_you_mean(named, file.cases)
        raise LookupError(f"{file.source} has no test cases for the state machine {named!r}" + _bracketed(hint))
    if name not in file.cases[named]:
        hint = did_you_mean(name, file.cases[named])
        raise LookupError(f"{file.source} has no test case {name!r} for {named!r}" + _bracketed(hint))
    return file.cases[named][name]


def _bracketed(hint: str | None) -> str:
    return f" ({hint})" if hint else ""


def _parsed(text: str, source: str) -> tuple[Document, list[Finding]]:
    if not text.strip():
        message = "the file is empty"
        hint = "write an object with StateMachines and MockedResponses"
        raise MockConfigError([Finding(MISSING_KEY, message, Origin(source, 1, 1, ""), hint)])
    try:
        document = parse(text, source)
    except DefinitionError as error:
        raise MockConfigError([_unread(problem, source) for problem in error.problems]) from None
    return document, [
        _unread(problem, source) for problem in document.problems if problem.code == "INVALID_JSON_DESCRIPTION"
    ]


def _unread(problem: Problem, source: str) -> Finding:
    # The path of a problem with the text is a quotation of it.
    return Finding(problem.code, problem.message, Origin(source, problem.line, problem.column, ""), problem.suggestion)


def _mapping(value: JSON, key: str) -> Mapping[str, JSON]:
    member = value.get(key) if isinstance(value, dict) else None
    return member if isinstance(member, dict) else {}


def _cases(
    value: Mapping[str, JSON], own: Mapping[str, JSON], reader: CaseReader, responses: Mapping[str, Response]
) -> dict[str, dict[str, dict[str, MockedState]]]:
    """The states of all test cases: those that AWS's part has, with ours on top."""
    cases: dict[str, dict[str, dict[str, MockedState]]] = {}
    machines = _mapping(value, "StateMachines")
    for machine in machines:
        for name, states in _mapping(machines[machine], "TestCases").items():
            at = ("StateMachines", machine, "TestCases", name)
            cases.setdefault(machine, {})[name] = reader.states(states, responses, at)
    for machine, named in _mapping(own, "test_cases").items():
        for name, states in named.items() if isinstance(named, dict) else ():
            at = ("stepsim", "test_cases", machine, name)
            known = cases.setdefault(machine, {}).get(name, {})
            cases[machine][name] = reader.on_top(known, reader.states(states, responses, at), at)
    return cases


class CaseReader:
    """Turns what is written into what is meant; problems go to the checker, of the shape it has been told already."""

    def __init__(self, checker: Checker, source: str) -> None:
        self._checker = checker
        self._source = source

    def responses(self, value: JSON, kind: type[written.Answer], path: KeyPath) -> dict[str, Response]:
        """The responses of a mapping, by name."""
        members = value.items() if isinstance(value, dict) else ()
        return {name: self.response(name, attempts, kind, (*path, name)) for name, attempts in members}

    def response(self, name: str, attempts: JSON, kind: type[written.Answer], path: KeyPath) -> Response:
        """A response. It may be empty: only a state that asks for it fails (measured)."""
        spans: list[Span] = []
        for key, value in attempts.items() if isinstance(attempts, dict) else ():
            at = (*path, key)
            answer = self._checker.converted(value, kind, at)
            bounds = self._attempts(key, at)
            if answer is not None and bounds is not None:
                spans.append(Span(*bounds, self._answer(answer, at), self._origin(at)))
        spans.sort(key=lambda span: span.first)
        for before, span in pairwise(spans):
            if span.first <= before.last:
                self._checker.add(INVALID_VALUE, f"attempts {span} overlap with {before}", (*path, str(span)))
        return Response(name, tuple(spans), self._origin(path))

    def states(self, value: JSON, responses: Mapping[str, Response], path: KeyPath) -> dict[str, MockedState]:
        """The states of a test case."""
        states: dict[str, MockedState] = {}
        for name, mock in value.items() if isinstance(value, dict) else ():
            at = (*path, name)
            origin = self._origin(at)
            if isinstance(mock, list):
                rules = (self._rule(rule, responses, (*at, index)) for index, rule in enumerate(mock))
                states[name] = MockedState(origin, tuple(rule for rule in rules if rule is not None))
            else:
                response = self._named_or_written(mock, responses, at)
                if response is not None:
                    states[name] = MockedState(origin, (), response)
        return states

    def on_top(
        self, known: Mapping[str, MockedState], more: Mapping[str, MockedState], path: KeyPath
    ) -> dict[str, MockedState]:
        """Test cases of the same name together: rules go before the response that a state has already."""
        states = dict(known)
        for name, state in more.items():
            below = known.get(name)
            if below is not None and state.response is not None:
                message = f"{name!r} is mocked by {below.origin.key} already"
                self._checker.add(
                    INVALID_VALUE, message, (*path, name), "write a list of rules, or remove one of the two"
                )
            elif below is not None:
                states[name] = MockedState(state.origin, state.rules + below.rules, below.response)
            else:
                states[name] = state
        return states

    def _rule(self, value: JSON, responses: Mapping[str, Response], path: KeyPath) -> Rule | None:
        rule = self._checker.converted(value, written.Rule, path)
        if rule is None:
            return None
        response = self._named_or_written(value["response"], responses, (*path, "response"))
        where: list[tuple[tuple[str, ...], JSON]] = []
        for field, expected in rule.where.items():
            try:
                where.append((parse_key_path(field), expected))
            except ValueError as error:
                self._checker.add(INVALID_VALUE, str(error), (*path, "where", field))
        if response is None:
            return None
        return Rule(response, self._origin(path), rule.item, rule.key, tuple(where))

    def _named_or_written(self, value: JSON, responses: Mapping[str, Response], path: KeyPath) -> Response | None:
        if isinstance(value, dict):
            return self.response("", value, written.OwnAnswer, path)
        if not isinstance(value, str):
            return None
        if value not in responses:
            hint = did_you_mean(value, responses)
            self._checker.add(INVALID_VALUE, f"there is no response {value!r}", path, hint)
        return responses.get(value)

    def _attempts(self, key: str, path: KeyPath) -> tuple[int, int] | None:
        found = _ATTEMPTS.fullmatch(key)
        if found is None:
            self._checker.add(INVALID_VALUE, f"{key!r} names no attempts", path, _HOW_ATTEMPTS_ARE_WRITTEN)
            return None
        first = int(found[1])
        last = first if found[2] is None else int(found[2])
        if last < first:
            self._checker.add(INVALID_VALUE, f"{key!r} ends before it begins", path, f'write "{last}-{first}"')
            return None
        return first, last

    def _answer(self, answer: written.Answer, path: KeyPath) -> Answer:
        own = answer if isinstance(answer, written.OwnAnswer) else written.OwnAnswer(answer.Return, answer.Throw)
        returns = None if isinstance(own.Return, msgspec.UnsetType) else Payload(own.Return)
        if (returns is not None) + (own.Throw is not None) + own.never != 1:
            known = "Return, Throw and never: true" if type(answer) is written.OwnAnswer else "Return and Throw"
            self._checker.add(INVALID_VALUE, f"exactly one of {known} expected", path)
        if own.refused and own.Throw is None:
            self._checker.add(INVALID_VALUE, "only a Throw can be refused: true", (*path, "refused"))
        if own.never and own.delay:
            self._checker.add(INVALID_VALUE, "what never comes has no delay", (*path, "delay"))
        submitted = EMPTY if isinstance(own.submitted, msgspec.UnsetType) else Payload(own.submitted)
        return Answer(
            returns,
            None if own.Throw is None else own.Throw.Error,
            None if own.Throw is None else own.Throw.Cause,
            own.never,
            self._time(own.delay, (*path, "delay")),
            None if own.heartbeat_every is None else self._interval(own.heartbeat_every, (*path, "heartbeat_every")),
            self._time(own.taken_after, (*path, "taken_after")),
            own.worker,
            submitted,
            own.refused,
        )

    def _interval(self, spec: str | float, path: KeyPath) -> int:
        interval_ms = self._time(spec, path)
        if interval_ms == 0 and spec == 0:
            self._checker.add(INVALID_VALUE, "heartbeats cannot come every 0", path, "write heartbeat_every: 10s")
        return interval_ms

    def _time(self, spec: str | float, path: KeyPath) -> int:
        try:
            return parse_time(spec)
        except ValueError as error:
            self._checker.add(WRONG_TYPE, str(error).removeprefix("time: "), path)
            return 0

    def _origin(self, path: KeyPath) -> Origin:
        return Origin(self._source, *self._checker.place(path), format_key_path(path))
