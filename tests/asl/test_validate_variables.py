from __future__ import annotations

from typing import Any

from stepsim.asl.errors import Problem
from stepsim.asl.parse import Document
from stepsim.asl.validate import validate

USE = {"Type": "Pass", "Parameters": {"x.$": "$x"}, "End": True}


def check(**states: Any) -> list[Problem]:
    return validate(Document.of_value({"StartAt": next(iter(states)), "States": states}))


def codes(**states: Any) -> list[tuple[str, str]]:
    return [(problem.code, problem.path) for problem in check(**states)]


def assign(next_state: str = "", **values: Any) -> dict[str, Any]:
    return {"Type": "Pass", "Assign": values, **({"Next": next_state} if next_state else {"End": True})}


def machine(state: Any) -> dict[str, Any]:
    return {"StartAt": "In", "States": {"In": state}}


def parallel(inner: Any, **fields: Any) -> dict[str, Any]:
    return {"Type": "Parallel", "Branches": [machine(inner)], **fields}


def test_variables_of_outer_scopes_are_not_assigned_again() -> None:
    """An inner scope reads what outer scopes assign, and does not assign it."""
    found = codes(A=assign("B", x=1), B=parallel({**assign(x=2)}, Next="C"), C=USE)
    assert found == [("DUPLICATE_VARIABLE_NAME", "/States/B/Branches[0]/States/In/Assign")]


def test_what_the_holder_assigns_is_its_scope_too() -> None:
    """A Parallel's own Assign, and a catcher of another state, take a name from its branches."""
    own = codes(B=parallel(assign(x=2), Assign={"x": 1}, Next="C"), C=USE)
    assert own == [("DUPLICATE_VARIABLE_NAME", "/States/B/Branches[0]/States/In/Assign")]
    catch = [{"ErrorEquals": ["States.ALL"], "Assign": {"x": 1}, "Next": "C"}]
    other = parallel({"Type": "Pass", "End": True}, Catch=catch, Next="B")
    other["Branches"][0] = {"StartAt": "Deep", "States": {"Deep": {"Type": "Pass", "End": True}}}
    found = codes(A=other, B=parallel(assign(x=2), Assign={"x": 1}, Next="C"), C=USE)
    assert ("DUPLICATE_VARIABLE_NAME", "/States/B/Branches[0]/States/In/Assign") in found


def test_a_catcher_comes_when_its_branches_are_over() -> None:
    """The Assign of a Parallel's own Catch takes no name from its branches (recorded)."""
    catch = [{"ErrorEquals": ["States.ALL"], "Assign": {"x": 1}, "Next": "C"}]
    inner = {"Type": "Pass", "Assign": {"x": 2}, "Next": "Deep"}
    branch = {"StartAt": "In", "States": {"In": inner, "Deep": USE}}
    assert codes(B={"Type": "Parallel", "Branches": [branch], "Catch": catch, "End": True}, C={**USE}) == []


def test_distributed_children_have_variables_of_their_own() -> None:
    """They may assign a name of the parent's, and read none of its variables."""
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}

    def state(inner: Any) -> dict[str, Any]:
        return {"Type": "Map", "ItemProcessor": {"ProcessorConfig": config, **machine(inner)}, "Next": "C"}

    assert codes(A=assign("B", x=1), B=state(assign(x=2)), C=USE) == []
    found = codes(A=assign("B", x=1), B=state(USE), C=USE)
    assert found == [("POSSIBLY_UNDEFINED_VARIABLE", "/States/B/ItemProcessor/States/In/Parameters/x.$")]


def test_variables_that_nothing_assigns() -> None:
    """Reading a variable that no state in sight assigns is a warning; a fixed Result reads nothing."""
    [problem] = check(A=USE)
    assert (problem.code, problem.severity) == ("POSSIBLY_UNDEFINED_VARIABLE", "warning")
    assert "no state in sight" in problem.message
    assert codes(A=assign("B", x=1), B=USE) == []
    assert "POSSIBLY_UNDEFINED_VARIABLE" not in dict(codes(A={"Type": "Pass", "Result": "$x", "End": True}))


def test_variables_that_are_assigned_too_late() -> None:
    """What a state assigns can be read by the states after it only."""
    [problem] = check(A={**USE, "Assign": {"x": 1}})
    assert "no state before this one assigns it" in problem.message
    assert "A assigns it" in str(problem.suggestion)


def test_variables_that_only_some_ways_assign() -> None:
    """Where ways meet, a variable has surely a value if each of them gave it one."""
    choices = [{"Variable": "$.a", "IsPresent": True, "Next": "B"}]
    choice = {"Type": "Choice", "Choices": choices, "Default": "C"}
    [problem] = check(A=choice, B=assign("C", x=1), C=USE)
    assert "not every way" in problem.message
    with_default = {**choice, "Assign": {"x": 0}}
    assert codes(A=with_default, B=assign("C", x=1), C=USE) == []
    with_rule = {**with_default, "Choices": [{**choices[0], "Next": "C"}]}
    assert codes(A=with_rule, C=USE) == [("POSSIBLY_UNDEFINED_VARIABLE", "/States/C/Parameters/x.$")]


def test_loops_assign_before_they_read_again() -> None:
    """A counter that is set before its loop has a value in each turn."""
    again = {"Type": "Pass", "Assign": {"x.$": "States.MathAdd($x, 1)"}, "Next": "B"}
    choice = {"Type": "Choice", "Choices": [{"Variable": "$x", "NumericLessThan": 3, "Next": "L"}], "Default": "E"}
    assert codes(A=assign("B", x=0), B=choice, L=again, E={"Type": "Succeed"}) == []


def test_variables_of_jsonata() -> None:
    """Names that an expression binds itself, functions and what it asks for with $exists are no unsafe reads."""

    def read(text: str) -> list[str]:
        state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": f"{{% {text} %}}", "End": True}
        return [problem.code for problem in check(A=state)]

    assert read("$x + 1") == ["POSSIBLY_UNDEFINED_VARIABLE"]
    assert read("$exists($x) ? $x : 1") == []
    assert read("($x := 1; $x)") == []
    assert read("$sum($map($states.input.a, function($v) { $v * 2 }))") == []


def test_variables_that_nobody_reads() -> None:
    """A variable that no expression of the definition mentions is a warning at its first Assign."""
    assert codes(A=assign(x=1)) == [("UNUSED_VARIABLE", "/States/A/Assign/x")]
    assert codes(A=assign("B", x=1), B=parallel(USE, End=True)) == []


def test_holes_may_assign_anything() -> None:
    """Where a placeholder or one expression stands for an Assign, no variable is called undefined."""
    hidden: dict[str, Any] = {"Type": "Pass", "Assign": "${Assign}", "Next": "B"}
    assert codes(A=hidden, B=USE) == []
    assert codes(A={**hidden, "QueryLanguage": "JSONata", "Assign": "{% $states.input %}"}, B=USE) == []
