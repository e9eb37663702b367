"""The seam to the expression compilers: what is wrong with the text of a path or of an intrinsic function."""

from __future__ import annotations

import re

from stepsim.asl.intrinsics import compile_intrinsic
from stepsim.asl.jsonpath import compile_path, compile_reference_path

_VARIABLE = re.compile(r"\$([^\W\d]\w*)")


def path_fault(text: str) -> str | None:
    """Why a text is not a JSONPath; None where it is one."""
    try:
        compile_path(text)
    except ValueError as error:
        return str(error)
    return None


def reference_path_fault(text: str) -> str | None:
    """Why a text is not a Reference Path (one node, no filters, wildcards or functions); None where it is one."""
    if not text.startswith("$"):
        return "Reference path didn't start with '$'"
    try:
        compile_reference_path(text)
    except ValueError as error:
        return str(error)
    return None


def intrinsic_fault(text: str) -> str | None:
    """Why a text is not a call of an intrinsic function; None where it is one."""
    try:
        compile_intrinsic(text)
    except ValueError as error:
        return str(error)
    return None


def is_jsonata(text: str) -> bool:
    """True for a string that is a JSONata expression: ``{% … %}`` and nothing around it."""
    return text.startswith("{%") and text.endswith("%}")


def variables_of(text: str) -> list[str]:
    """The variables that a path or an intrinsic function reads: ``$name``, but not ``$.name`` or ``$$.name``."""
    if text.startswith("$"):
        match = _VARIABLE.match(text)
        return [match.group(1)] if match else []
    return re.findall(r"(?<![\w$.'])\$([^\W\d]\w*)", re.sub(r"'(?:[^'\\]|\\.)*'", "''", text))
