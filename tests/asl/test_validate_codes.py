from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from stepsim.asl.validate_codes import CODES

ROOT = Path(__file__).parents[2]


_OTHERS = {"LOAD_AND_FLATTEN", "FIRST_ROW", "ATHENA_DATA", "UNUSED_SUBSTITUTION"}


def written_codes() -> set[str]:
    """Every code that the validator writes, read from its source."""
    found: set[str] = set()
    for file in [*(ROOT / "asl").glob("validate*.py"), ROOT / "asl" / "parse.py"]:
        nodes = () if file.name == "validate_codes.py" else ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        texts = (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
        found.update(text for text in texts if re.fullmatch(r"[A-Z]{2,}(_[A-Z]+)+", text))
    return found - _OTHERS | {"UNUSED_SUBSTITUTION"}


def test_every_code_is_in_the_table() -> None:
    """The table has what the validator writes, and nothing else."""
    assert written_codes() == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_documented(code: str) -> None:
    """docs/validation.md has a row for each code, with its level and its meaning."""
    row = CODES[code]
    owner = "AWS" if row.of_aws else "stepsim"
    text = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    assert f"| `{code}` | {row.level} | {owner} | {row.meaning} |" in text
