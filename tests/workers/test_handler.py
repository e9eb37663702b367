"""Handler references."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from types import ModuleType

import pytest

from stepsim.workers.handler import HandlerError, HandlerReference


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A scenario's folder with functions/load.py, which imports functions/shared.py."""
    monkeypatch.syspath_prepend(str(tmp_path / "nothing"))  # puts sys.path back afterwards
    return make_scenario(tmp_path / "one", "one")


def make_scenario(folder: Path, name: str) -> Path:
    functions = folder / "functions"
    functions.mkdir(parents=True)
    (functions / "shared.py").write_text(f"NAME = {name!r}\n")
    (functions / "load.py").write_text(
        "import os\nfrom dataclasses import dataclass\nimport shared\n"
        "TABLE = os.environ.get('TABLE')\n"
        "@dataclass\nclass Record:\n    name: str = shared.NAME\n"
        "    @staticmethod\n    def made(event, context):\n        return 'made'\n"
        "def handler(event, context):\n    return Record().name, TABLE\n"
        "value = 3\n"
    )
    return folder


@pytest.mark.parametrize(
    "text",
    ["functions/load:handler", "functions/load.py:handler", "functions/load.handler", "functions.load:handler",
     "functions.load.handler"],
)  # fmt: skip
def test_every_form_finds_the_file(scenario: Path, text: str) -> None:
    """Paths and dotted names below the scenario's folder mean the same file."""
    reference = HandlerReference.parse(text, scenario)
    assert reference.file == (scenario / "functions" / "load.py").resolve()
    assert reference.load()({}, None) == ("one", None)


@pytest.mark.parametrize("text", ["json:dumps", "json.dumps", "os.path:join", "os.path.join"])
def test_modules_of_pythons_path(scenario: Path, text: str) -> None:
    """A dotted name that is no file below the folder is imported."""
    reference = HandlerReference.parse(text, scenario)
    assert reference.file is None
    assert callable(reference.load())


def test_a_method_of_a_class(scenario: Path) -> None:
    """The function may be an attribute of a class."""
    assert HandlerReference.parse("functions/load:Record.made", scenario).load()({}, None) == "made"


def test_files_of_two_scenarios_do_not_meet(scenario: Path, tmp_path: Path) -> None:
    """Same file names, same sibling names, two scenarios: each gets its own, a second time as well."""
    other = make_scenario(tmp_path / "two", "two")
    (scenario / "functions" / "later.py").write_text("import shared\ndef handler(e, c):\n    return shared.NAME\n")
    names = []
    for base, text in ((scenario, "functions/load:handler"), (other, "functions/load:handler")):
        names.append(HandlerReference.parse(text, base).load()({}, None))
    names.append(HandlerReference.parse("functions/later:handler", scenario).load()({}, None))
    assert names == [("one", None), ("two", None), "one"]


def test_a_module_is_run_once_for_each_set_of_variables(scenario: Path) -> None:
    """Two functions with one file and different variables have globals of their own."""
    reference = HandlerReference.parse("functions/load:handler", scenario)
    assert reference.load() is reference.load()
    assert reference.load({"TABLE": "a"}) is not reference.load()
    assert [reference.load({"TABLE": table})({}, None) for table in ("a", "b")] == [("one", "a"), ("one", "b")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("functions/missing:handler", r"'functions/missing:handler': there is no file .*missing\.py; write path/to"),
        ("functions/load", "names no function; write path/to/file:function"),
        ("functions/load.py", "names no function"),
        ("load", "names no function"),
        (":handler", "names no function"),
        ("functions/load:", "names no function"),
        ("functions/load:no-name", "names no function"),
    ],
)
def test_malformed_references_are_refused(scenario: Path, text: str, message: str) -> None:
    """The message quotes the reference and says what to write."""
    with pytest.raises(HandlerError, match=message):
        HandlerReference.parse(text, scenario)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("functions/load:main", r"load\.py has no function 'main'; it defines Record, handler"),
        ("functions/load:value", r"value in .*load\.py is not a function"),
        ("no_such_module_here:handler", "module no_such_module_here cannot be loaded: ModuleNotFoundError"),
        ("functions/broken:handler", r"broken\.py cannot be loaded: SyntaxError"),
        ("functions/lacking:handler", "cannot be loaded: ModuleNotFoundError: No module named 'pandas_is_not_here'"),
    ],
)
def test_what_cannot_be_loaded_says_why(scenario: Path, text: str, message: str) -> None:
    """The message names the reference, the file and the reason, and a second try fails as the first."""
    (scenario / "functions" / "broken.py").write_text("def handler(:\n")
    (scenario / "functions" / "lacking.py").write_text("import pandas_is_not_here\n")
    reference = HandlerReference.parse(text, scenario)
    for _ in range(2):
        with pytest.raises(HandlerError, match=message):
            reference.load()


def test_references_are_values(scenario: Path) -> None:
    """Equal texts and folders make equal references."""
    first, second = (HandlerReference.parse("functions/load:handler", scenario) for _ in range(2))
    assert first == second
    assert dataclasses.replace(first, function="x") != second


def test_a_module_of_the_same_name_from_elsewhere_is_not_taken_for_a_sibling(scenario: Path, tmp_path: Path) -> None:
    """Whoever imported it has it back afterwards; one from the same folder is shared."""
    elsewhere = ModuleType("shared")
    elsewhere.__file__ = str(tmp_path / "shared.py")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "shared", elsewhere)
        handler = HandlerReference.parse("functions/load:handler", scenario).load({"TABLE": "t"})
        assert handler({}, None) == ("one", "t")
        assert sys.modules["shared"] is elsewhere
