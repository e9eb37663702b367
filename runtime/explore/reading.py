"""What a definition reads, and where that comes from: its states are gone through along their transitions.

Each state is entered with what its predecessors may leave behind, a few ways of it at the most; what its fields read is
noted as a place in the input, or in a Task's result, together with what is likely to be there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from stepsim.asl.payload import JSON
from stepsim.runtime.explore.origins import (
    Listed,
    Made,
    Origin,
    Surroundings,
    is_jsonata,
    overlaid,
    paths_in,
    reference_steps,
    select,
)
from stepsim.runtime.explore.places import EACH, INPUT, Place

_WAYS = 6
"""How many ways into a state are told apart."""
TEXT: JSON = "text"
NUMBER: JSON = 1
ARRAY: JSON = [{}, {}]
MOMENT: JSON = "2026-01-01T00:00:10Z"
JSON_TEXT: JSON = "{}"

_FIELDS: Mapping[str, JSON] = {
    "SecondsPath": NUMBER,
    "TimestampPath": MOMENT,
    "TimeoutSecondsPath": 30,
    "HeartbeatSecondsPath": 10,
    "ItemsPath": ARRAY,
    "MaxConcurrencyPath": NUMBER,
    "ToleratedFailureCountPath": NUMBER,
    "ToleratedFailurePercentagePath": NUMBER,
    "ErrorPath": TEXT,
    "CausePath": TEXT,
    "InputPath": {},
}
"""Fields that are a path, and what is to be there."""
_CALLS: Mapping[str, JSON] = {
    "States.StringToJson": JSON_TEXT,
    "States.MathAdd": NUMBER,
    "States.MathRandom": NUMBER,
    "States.Array(": TEXT,
    "States.Array": ARRAY,
    "States.JsonMerge": {},
    "States.StringSplit": "a,b",
    "States.Base64Decode": "YQ==",
}
"""What intrinsic functions take, by how their call begins."""
_JSONATA_FIELDS: Mapping[str, JSON] = {
    "Seconds": NUMBER,
    "Timestamp": MOMENT,
    "Items": ARRAY,
    "TimeoutSeconds": 30,
    "HeartbeatSeconds": 10,
    "MaxConcurrency": NUMBER,
}
_TEMPLATES = ("Parameters", "ItemSelector", "ResultSelector", "Arguments", "Output", "Assign", "Error", "Cause")


@dataclass(slots=True)
class Reading:
    """What is read of the input and of the results."""

    places: dict[Place, JSON | None] = field(default_factory=dict)
    """Every place that something reads, and what is likely to be there; None where nobody says."""
    choices: dict[str, list[Surroundings]] = field(default_factory=dict)
    """What each Choice sees."""
    items: dict[str, Place] = field(default_factory=dict)
    """Where the items of each Map come from."""
    tasks: list[str] = field(default_factory=list)
    within: dict[str, list[str]] = field(default_factory=dict)
    """The Tasks in each Map and Parallel."""

    def note(self, origin: Origin, likely: JSON | None) -> None:
        """Something reads it."""
        if isinstance(origin, Place) and (origin.steps or origin.source != INPUT or likely is not None):
            known = self.places.get(origin)
            self.places[origin] = likely if known is None else known


def read_definition(definition: Mapping[str, JSON]) -> Reading:
    """Go through a definition."""
    reading = Reading()
    query = definition.get("QueryLanguage", "JSONPath")
    _Walk(reading, query).machine(definition, Surroundings(Place(INPUT, ()), {}))
    return reading


class _Walk:
    """Goes through machines, branches and processors."""

    def __init__(self, reading: Reading, query: str) -> None:
        self._reading = reading
        self._query = query
        self._around: list[str] = []
        """The Maps and Parallels around."""

    def machine(self, machine: Mapping[str, JSON], begun: Surroundings) -> list[Origin]:
        """What its executions may end with."""
        ends: list[Origin] = []
        waiting = [(machine["StartAt"], begun)]
        seen: dict[str, list[Surroundings]] = {}
        while waiting:
            name, sees = waiting.pop(0)
            ways = seen.setdefault(name, [])
            if sees in ways or len(ways) >= _WAYS or name not in machine["States"]:
                continue
            ways.append(sees)
            for following, left in self._state(name, machine["States"][name], sees):
                if following is None:
                    ends.append(left.input)
                else:
                    waiting.append((following, left))
        return ends

    def _state(
        self, name: str, fields: Mapping[str, JSON], sees: Surroundings
    ) -> Iterator[tuple[str | None, Surroundings]]:
        """The ways out of a state: where to, and with what."""
        jsonata = fields.get("QueryLanguage", self._query) == "JSONata"
        within = sees if jsonata else self._entered(fields, sees)
        self._note_fields(fields, within, jsonata=jsonata)
        kind = fields["Type"]
        if kind == "Choice":
            self._reading.choices.setdefault(name, []).append(within)
            yield from self._choices(fields, within, sees, jsonata=jsonata)
            return
        result = self._result(name, fields, within, sees)
        left = self._left(fields, sees, within, result, jsonata=jsonata)
        if kind != "Fail":
            yield fields.get("Next"), left
        for catcher in fields.get("Catch", ()):
            yield catcher["Next"], self._caught(catcher, sees, jsonata=jsonata)

    def _entered(self, fields: Mapping[str, JSON], sees: Surroundings) -> Surroundings:
        path = fields.get("InputPath", "$")
        if path is None:
            return replace(sees, input=Made(()))
        origin = sees.of_path(path)
        if path != "$":
            self._reading.note(origin, {})
        return replace(sees, input=origin)

    def _choices(
        self, fields: Mapping[str, JSON], within: Surroundings, sees: Surroundings, *, jsonata: bool
    ) -> Iterator[tuple[str, Surroundings]]:
        for rule in fields["Choices"]:
            for text in _variables(rule):
                self._reading.note(within.of_path(text), None)
            if is_jsonata(rule.get("Condition")):
                for _, origin in within.of_jsonata(rule["Condition"]):
                    self._reading.note(origin, None)
            yield rule["Next"], self._left(rule if jsonata else fields, sees, within, within.input, jsonata=jsonata)
        if "Default" in fields:
            yield fields["Default"], self._left(fields, sees, within, within.input, jsonata=jsonata)

    def _result(self, name: str, fields: Mapping[str, JSON], within: Surroundings, sees: Surroundings) -> Origin:
        """What a state's work gives."""
        kind = fields["Type"]
        given = self._template(fields["Parameters"], within) if "Parameters" in fields else within.input
        if kind == "Task":
            if name not in self._reading.tasks:
                self._reading.tasks.append(name)
                for around in self._around:
                    self._reading.within.setdefault(around, []).append(name)
            return Place(name, ())
        if kind == "Pass":
            return _constant(fields["Result"]) if "Result" in fields else given
        if kind == "Parallel":
            begun = replace(sees, input=given)
            return Listed(tuple(self._inner(name, branch, begun) for branch in fields["Branches"]))
        if kind == "Map":
            return self._map(name, fields, within, sees)
        return within.input

    def _map(self, name: str, fields: Mapping[str, JSON], within: Surroundings, sees: Surroundings) -> Origin:
        items: Origin = None
        if "ItemReader" not in fields:
            if is_jsonata(fields.get("Items")):
                found = within.of_jsonata(fields["Items"])
                items = found[0][1] if len(found) == 1 else None
            elif "Items" not in fields:
                items = within.of_path(fields.get("ItemsPath", "$"))
            self._reading.note(items, ARRAY)
            if isinstance(items, Place):
                self._reading.items[name] = items
        item = select(items, (EACH,))
        inside = replace(sees, input=item, item=item)
        selector = fields.get("ItemSelector", fields.get("Parameters"))
        if selector is not None:
            chosen = self._template(selector, replace(within, item=item))
            inside = replace(inside, input=chosen)
        if "ItemBatcher" in fields:
            inside = replace(inside, input=Made((("Items", Listed((inside.input,))),)))
        processor = fields.get("ItemProcessor") or fields["Iterator"]
        return Listed((self._inner(name, processor, inside),))

    def _inner(self, name: str, machine: Mapping[str, JSON], begun: Surroundings) -> Origin:
        self._around.append(name)
        ends = self.machine(machine, begun)
        self._around.pop()
        return ends[0] if ends else None

    def _left(
        self, fields: Mapping[str, JSON], sees: Surroundings, within: Surroundings, result: Origin, *, jsonata: bool
    ) -> Surroundings:
        """What a state leaves behind."""
        done = replace(within, result=result)
        variables = self._assigned(fields, done if jsonata else replace(done, input=result))
        if jsonata:
            output = self._template(fields["Output"], done) if "Output" in fields else result
            return replace(sees, input=output, variables=variables)
        if "ResultSelector" in fields:
            result = self._template(fields["ResultSelector"], replace(within, input=result))
        path = fields.get("ResultPath", "$") if fields["Type"] not in ("Choice", "Wait", "Succeed", "Fail") else "$"
        output = sees.input if path is None else overlaid(sees.input, reference_steps(path), result)
        return replace(sees, input=self._filtered(fields, output, sees), variables=variables)

    def _filtered(self, fields: Mapping[str, JSON], output: Origin, sees: Surroundings) -> Origin:
        path = fields.get("OutputPath", "$")
        if path is None:
            return Made(())
        origin = replace(sees, input=output).of_path(path)
        if path != "$":
            self._reading.note(origin, {})
        return origin

    def _caught(self, catcher: Mapping[str, JSON], sees: Surroundings, *, jsonata: bool) -> Surroundings:
        """What a catcher leaves behind: nobody chooses an error's texts."""
        error = Made((("Error", None), ("Cause", None)))
        variables = self._assigned(catcher, replace(sees, result=error))
        if jsonata:
            output = self._template(catcher["Output"], replace(sees, result=None)) if "Output" in catcher else error
            return replace(sees, input=output, variables=variables)
        path = catcher.get("ResultPath", "$")
        output = sees.input if path is None else overlaid(sees.input, reference_steps(path), error)
        return replace(sees, input=output, variables=variables)

    def _assigned(self, fields: Mapping[str, JSON], done: Surroundings) -> Mapping[str, Origin]:
        if "Assign" not in fields:
            return done.variables
        made = self._template(fields["Assign"], done)
        return {**done.variables, **dict(made.members)} if isinstance(made, Made) else done.variables

    def _note_fields(self, fields: Mapping[str, JSON], within: Surroundings, *, jsonata: bool) -> None:
        """Fields that are a path, or an expression, themselves."""
        for name, likely in (_JSONATA_FIELDS if jsonata else _FIELDS).items():
            text = fields.get(name)
            if jsonata and isinstance(text, str) and is_jsonata(text):
                for _, origin in within.of_jsonata(text):
                    self._reading.note(origin, likely)
            elif not jsonata and isinstance(text, str) and name != "InputPath":
                for path in paths_in(text) if text.startswith("States.") else [text]:
                    self._reading.note(within.of_path(path), likely)
        for name in ("Arguments", "Error", "Cause"):
            if name in fields:
                self._template(fields[name], within)
        for name in ("ItemReader", "ResultWriter", "ItemBatcher", "Credentials"):
            if name in fields:
                self._template(_without_paths(fields[name]), within)
                for path, likely in _paths_within(fields[name]):
                    self._reading.note(within.of_path(path), likely)

    def _template(self, value: JSON, sees: Surroundings) -> Origin:
        """Where the parts of a template come from; what it reads is noted."""
        if is_jsonata(value):
            found = sees.of_jsonata(value)
            for _, origin in found:
                self._reading.note(origin, None)
            whole = value[2:-2].strip()
            return found[0][1] if len(found) == 1 and found[0][0] == whole else None
        if isinstance(value, list):
            return Listed(tuple(self._template(one, sees) for one in value))
        if not isinstance(value, dict):
            return None
        members: list[tuple[str, Origin]] = []
        for key, member in value.items():
            if key.endswith(".$") and isinstance(member, str):
                members.append((key[:-2], self._computed(member, sees)))
            else:
                members.append((key, self._template(member, sees)))
        return Made(tuple(members))

    def _computed(self, text: str, sees: Surroundings) -> Origin:
        if not text.startswith("States."):
            origin = sees.of_path(text)
            self._reading.note(origin, None)
            return origin
        likely = next((value for name, value in _CALLS.items() if text.startswith(name)), None)
        for path in paths_in(text):
            self._reading.note(sees.of_path(path), likely)
        return None


def _without_paths(value: JSON) -> JSON:
    """A field's parts that are templates: what is a path by its name is looked at by itself."""
    if isinstance(value, dict):
        return {key: _without_paths(member) for key, member in value.items() if not key.endswith("Path")}
    return value


def _paths_within(value: JSON) -> Iterator[tuple[str, JSON]]:
    """The fields below one that are a path by their names: MaxItemsPath, MaxItemsPerBatchPath. All are numbers."""
    if isinstance(value, dict):
        for key, member in value.items():
            if key.endswith("Path") and isinstance(member, str):
                yield member, NUMBER
            else:
                yield from _paths_within(member)


def _constant(value: JSON) -> Origin:
    if isinstance(value, dict):
        return Made(tuple((name, _constant(member)) for name, member in value.items()))
    return Listed(tuple(map(_constant, value))) if isinstance(value, list) else None


def _variables(rule: Mapping[str, JSON]) -> Iterator[str]:
    """The paths that a Choice rule looks at."""
    waiting = [rule]
    while waiting:
        one = waiting.pop()
        for key in ("And", "Or"):
            waiting += one.get(key, ())
        if "Not" in one:
            waiting.append(one["Not"])
        if "Variable" in one:
            yield one["Variable"]
        yield from (value for key, value in one.items() if key.endswith("Path") and isinstance(value, str))
