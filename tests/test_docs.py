"""What the documents show is what happens: each ``console`` block is typed into a shell, and its output compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [
    path
    for path in sorted([ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("scenarios/*/README.md")])
    if "```console" in path.read_text()
]

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_EXIT = re.compile(r"#\s*exits with (\d+)\s*$")


def steps(text: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of a document, each with the lines that are shown below it."""
    for block in _BLOCK.findall(text):
        command: str | None = None
        shown: list[str] = []
        for line in block.splitlines():
            if line.startswith("$ "):
                if command is not None:
                    yield command, shown
                command, shown = line[2:], []
            elif (line == ">" or line.startswith("> ")) and command is not None and not shown:
                command += "\n" + line[2:]
            else:
                shown.append(line)
        if command is not None:
            yield command, shown


def pattern(shown: list[str]) -> re.Pattern[str]:
    """What the output must look like: the lines shown, where ``...`` stands for any lines."""
    parts = [r"(?:.*\n)*?" if line == "..." else re.escape(line) + r"[ ]*\n" for line in shown]
    return re.compile("".join(parts))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_examples_of_a_document_do_what_it_says(document: Path, tmp_path: Path) -> None:
    """Every command exits as it is said to, and prints what is shown."""
    for folder in ("definitions", "scenarios"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    if "stepsim/tests/examples" in document.read_text():
        # Only there: a plain `pytest` would find the tests of the examples.
        (tmp_path / "stepsim").symlink_to(ROOT)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for command, shown in steps(document.read_text()):
        expected = _EXIT.search(command)
        ended = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )
        said = f"$ {command}\n{ended.stdout}{ended.stderr}"
        assert ended.returncode == (int(expected[1]) if expected else 0), said
        if shown:
            assert pattern(shown).match(ended.stdout), said
