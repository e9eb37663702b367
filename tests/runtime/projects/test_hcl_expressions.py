"""HCL's expressions, in a scope of plain names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from stepsim.asl.payload import JSON
from stepsim.runtime.projects.hcl_expressions import parse_expression
from stepsim.runtime.projects.hcl_functions import FUNCTIONS


@dataclass(frozen=True)
class Names:
    """A scope that knows these names, and the functions."""

    names: Mapping[str, JSON]

    def look_up(self, steps: list[str | int]) -> JSON:
        """What a name means."""
        [name] = steps
        return self.names[str(name)]

    def call(self, name: str, arguments: list[JSON]) -> JSON:
        """What a function gives."""
        return FUNCTIONS[name](*arguments)

    def inside(self, names: Mapping[str, JSON]) -> Names:
        """The same with further names."""
        return Names({**self.names, **names})


def worked_out(expression: str) -> JSON:
    """What an expression is worth where nothing has a name."""
    return parse_expression(expression)(Names({}))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3", 7),
        ('true ? "a" : "b"', "a"),
        ('"${1}-${"x"}-$${y}\\n"', "1-x-${y}\n"),
        ("[for n in [1, 2, 3] : n * 2 if n != 2]", [2, 6]),
        ("{for k, v in {a = 1} : upper(k) => v}", {"A": 1}),
        ('merge({a = 1}, {"b" : 2})', {"a": 1, "b": 2}),
        ('join(",", ["a", "b"])', "a,b"),
        ("[{a = 1}, {a = 2}][*].a", [1, 2]),
        ('lookup({a = 1}, "b", 3)', 3),
        ('try({a = 1}.b, "none")', "none"),
        ('format("%s-%03d", "a", 5)', "a-5"),
        ("length([1]) == 1 && !false", True),
        ('jsondecode("{\\"a\\": [1]}").a[0]', 1),
        ('"${ 6 / 2 /* } \\" */ }-${\n  1 # it is {\n}"', "3-1"),
        ("[1e3, 1.0, 2.50, 5 / 2]", [1000, 1, 2.5, 2.5]),
        ('!"false" && "true" ? "a" : "b"', "a"),
        ('"%{ if true }yes%{ else }no%{ endif }"', "yes"),
        ("element(concat([1], [2]), 1)", 2),
        (r'"\u0041\U0001F600\t"', "A\U0001f600\t"),
    ],
)
def test_an_expression_is_worked_out(expression: str, expected: JSON) -> None:
    """As Terraform would."""
    assert worked_out(expression) == expected
