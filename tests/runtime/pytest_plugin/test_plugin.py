"""The plugin, as people's tests use it: each test here runs a small project's tests."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

ORDERS = {
    "StartAt": "Charge",
    "States": {
        "Charge": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "Charge", "Payload.$": "$"},
            "OutputPath": "$.Payload",
            "Retry": [{"ErrorEquals": ["Busy"]}],
            "Next": "Pack",
        },
        "Pack": {"Type": "Task", "Resource": "arn:aws:states:us-east-1:123456789012:activity:pack", "End": True},
    },
}
MOCKS = {
    "StateMachines": {
        "orders": {
            "TestCases": {
                "Happy": {"Charge": "Charged", "Pack": "Packed"},
                "Busy": {"Charge": "Late", "Pack": "Packed"},
            }
        }
    },
    "MockedResponses": {
        "Charged": {"0": {"Return": {"Payload": {"id": 1}, "StatusCode": 200}}},
        "Late": {"0": {"Throw": {"Error": "Busy"}}, "1": {"Return": {"Payload": {"id": 2}, "StatusCode": 200}}},
        "Packed": {"0": {"Return": {"box": 1}}},
    },
}
HEAD = """
import pytest
from stepsim.runtime.testing import Fails, Hangs, Returns
"""


PLUGIN = ("-p", "stepsim.runtime.pytest_plugin.plugin", "-p", "no:cacheprovider")


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder with a definition and mocks; of the plugins that are installed, only ours is loaded."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.path.joinpath("orders.asl.json").write_text(json.dumps(ORDERS))
    pytester.path.joinpath("mocks.json").write_text(json.dumps(MOCKS))
    return pytester


def run(project: pytest.Pytester, tests: str, *options: str) -> pytest.RunResult:
    """What comes of these tests."""
    project.makepyfile(test_orders=HEAD + tests)
    # In this process, what the tests import would be taken away again, and half of moto with it.
    return project.runpytest_subprocess(*PLUGIN, *options)


def test_a_fixture_runs_machines(project: pytest.Pytester) -> None:
    """Of files beside the test, or given in place."""
    result = run(
        project,
        """
        def test_of_a_file(stepsim):
            functions = {"Charge": lambda event, context: event}
            result = stepsim("orders.asl.json", {"n": 1}, functions=functions, mocks={"Pack": Returns(2)})
            assert result.succeeded().returned(2)
            assert result.path == ["Charge", "Pack"]
            assert stepsim.results == [result]

        def test_in_place(stepsim):
            machine = {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
            assert [stepsim(machine, given).output for given in (5, None)] == [5, None]
            assert stepsim(machine).output == {}
        """.replace("\n        ", "\n"),
    )
    result.assert_outcomes(passed=2)


def test_a_marker_says_what_many_tests_have_in_common(project: pytest.Pytester) -> None:
    """Those of the module, the class and the test, and the call's own, put together by name."""
    result = run(
        project,
        """
pytestmark = pytest.mark.stepsim("orders.asl.json", mocks={"Pack": Returns("module")}, input={"n": 1})

@pytest.mark.stepsim(mocks={"Charge": Returns({"Payload": 1})})
class TestPacking:
    def test_module(self, stepsim):
        assert stepsim().output == "module"

    @pytest.mark.stepsim(mocks={"Pack": Returns("test")})
    def test_own(self, stepsim):
        assert stepsim().input == {"n": 1}
        assert stepsim().output == "test"
        assert stepsim(mocks={"Pack": Returns("call")}).output == "call"
""",
    )
    result.assert_outcomes(passed=2)


def test_a_failure_shows_the_path_and_the_seed(project: pytest.Pytester) -> None:
    """Of each run of the test; the seed repeats it."""
    result = run(
        project,
        """
@pytest.mark.stepsim("orders.asl.json", mocks={"Charge": [Fails("Busy"), Returns({"Payload": 1})], "Pack": Returns(2)})
def test_path(stepsim):
    assert stepsim(input={}).path == ["Charge", "Sorry", "Pack"]
""",
        "--stepsim-seed=41",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "stepsim: seed 41",
            "E *assert the path is another one (- expected, + taken)",
            "E *    Charge  (tried 2 times: Busy)",
            "E *  - Sorry",
            "E *    Pack",
            "*- stepsim -*",
            "<orders SUCCEEDED with 2: Charge → Pack>",
            "    Charge  (tried 2 times: Busy)",
            "    seed 41: pytest --stepsim-seed 41 repeats it",
        ]
    )


WRONG = {
    'stepsim("orders.asl.json", {})': "the state 'Charge' calls the function 'Charge', which this test does not*",
    'stepsim("orders.json", {})': "*orders.json:1:1: error MISSING_FILE: cannot be read: No such file or directory*",
    'stepsim("orders.asl.json", {}, mocks={"Chagre": Fails("X")})': "mocks: Chagre: *did you mean 'Charge'?)",
    'stepsim("orders.asl.json", {}, functions={"Charge": "no.where:f"})': "*no.where cannot be loaded: Module*",
    'stepsim("orders.asl.json", {}, tables={"t": {}})': "*tables.t: 'partition_key' is missing",
}


def test_what_is_wrong_with_a_test_is_told_without_our_own_code(project: pytest.Pytester) -> None:
    """At the test's line."""
    tests = [f"def test_{number}(stepsim):\n    {call}\n" for number, call in enumerate(WRONG)]
    result = run(project, "\n".join(tests))
    result.assert_outcomes(failed=len(WRONG))
    result.stdout.fnmatch_lines([f"E *Failed: {message}" for message in WRONG.values()])
    assert "runtime/machine_tests" not in result.stdout.str()


def test_a_test_without_a_definition_is_told(project: pytest.Pytester) -> None:
    """And where one may stand."""
    result = run(project, "def test_it(stepsim):\n    stepsim(input={})\n")
    result.stdout.fnmatch_lines(["*no definition: write stepsim(definition, …) or @pytest.mark.stepsim(definition)*"])


def test_a_test_runs_once_for_each_test_case(project: pytest.Pytester) -> None:
    """Of a mock configuration file; the case is in the test's name, and a fixture."""
    result = run(
        project,
        """
@pytest.mark.stepsim("orders.asl.json")
@pytest.mark.stepsim_cases("mocks.json")
def test_it(stepsim, stepsim_case):
    result = stepsim(input={}).succeeded()
    assert result.state("Charge").retries == (stepsim_case == "Busy")
""",
        "-v",
    )
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*test_it?Happy? PASSED*", "*test_it?Busy? PASSED*"])


WRONG_CASES = {
    '"nowhere.json"': "*nowhere.json: cannot be read: No such file or directory*",
    '"mocks.json", machine="order"': "*has no test cases for the state machine 'order' (did you mean 'orders'?)*",
    '"mocks.json", case="Happy"': "*takes a file and perhaps a machine, not*",
    '"two.json"': "*two.json has test cases of a, b: say which, in @pytest.mark.stepsim_cases(mock_file, machine=…)*",
}


@pytest.mark.parametrize(("marker", "message"), WRONG_CASES.items())
def test_test_cases_that_are_not_there_are_told(project: pytest.Pytester, marker: str, message: str) -> None:
    """When tests are collected."""
    machines: dict[str, object] = {name: {"TestCases": {"Case": {}}} for name in ("a", "b")}
    project.path.joinpath("two.json").write_text(json.dumps({"StateMachines": machines}))
    result = run(project, f"@pytest.mark.stepsim_cases({marker})\ndef test_it(stepsim):\n    pass\n")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])


GOLDEN = """
@pytest.mark.stepsim("orders.asl.json", mocks={"Charge": Returns({"Payload": PAYLOAD}), "Pack": Returns(2)})
@pytest.mark.parametrize("number", [1, 2])
def test_it(stepsim, golden, number):
    result = stepsim(input={"n": number})
    assert result == golden
    assert golden == result
"""


def test_golden_histories_are_written_compared_and_updated(project: pytest.Pytester) -> None:
    """One file a test; what has changed is told whole, below the assertion."""
    tests = GOLDEN.replace("PAYLOAD", '{"id": 1}')
    run(project, tests).stdout.fnmatch_lines(["*GoldenError: there is no golden history *test_it*--update-golden*"])
    run(project, tests, "--update-golden").assert_outcomes(passed=2)
    files = sorted(file.name for file in (project.path / "golden" / "test_orders").iterdir())
    assert files == ["test_it-1.json", "test_it-2.json"]
    run(project, tests, "--stepsim-seed=random").assert_outcomes(passed=2)
    changed = run(project, GOLDEN.replace("PAYLOAD", '{"id": 2}'))
    changed.assert_outcomes(failed=2)
    changed.stdout.fnmatch_lines(
        [
            "E *assert the run is not what test_it-1.json says:",
            "E *state Charge: its result has changed: $.Payload.id: 2 instead of 1",
            "*- stepsim -*",
            "  state Charge: its output has changed: $.id: 2 instead of 1",
        ]
    )


def test_a_golden_history_of_another_version_is_told(project: pytest.Pytester) -> None:
    """With the file, and what to do."""
    tests = GOLDEN.replace("PAYLOAD", "1")
    run(project, tests, "--update-golden")
    for file in (project.path / "golden" / "test_orders").iterdir():
        file.write_text(file.read_text().replace('"stepsim_golden": 1', '"stepsim_golden": 0'))
    run(project, tests).stdout.fnmatch_lines(["*GoldenError: *in format 0 of another version of stepsim*"])


def test_histories_are_replayed(project: pytest.Pytester) -> None:
    """Of a file beside the test; the first thing that goes otherwise is what fails."""
    result = run(
        project,
        """
import json, pathlib

@pytest.mark.stepsim("orders.asl.json")
def test_it(stepsim):
    recorded = stepsim(input={}, mocks={"Charge": [Fails("Busy"), Returns({"Payload": 1})], "Pack": Returns(2)})
    pathlib.Path("history.json").write_text(json.dumps({"events": recorded.history}))
    assert stepsim.replay("history.json").went_as_recorded()
    changed = json.loads(pathlib.Path("orders.asl.json").read_text())
    changed["States"]["Charge"]["Retry"] = []
    stepsim.replay(recorded, changed).diverged_at("Charge")
    assert stepsim.replay(recorded, changed).same
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["E *the replay goes otherwise than recorded:*'Charge' is tried once now; the record tried*"]
    )


def test_seeds_are_numbers(project: pytest.Pytester) -> None:
    """Or drawn at random."""
    result = run(project, "def test_it(stepsim): pass", "--stepsim-seed=x")
    result.stderr.fnmatch_lines(["*--stepsim-seed: a whole number or `random` expected, not 'x'"])


def test_workers_of_xdist_have_one_seed_and_write_files_of_their_own(project: pytest.Pytester) -> None:
    """Whoever runs a test."""
    tests = """
@pytest.mark.stepsim("orders.asl.json", mocks={"Charge": Returns({"Payload": 1}), "Pack": Returns(2)})
@pytest.mark.parametrize("number", range(8))
def test_it(stepsim, golden, number):
    print("seed", stepsim.seed)
    assert stepsim(input={"n": number}) == golden
"""
    project.makepyfile(test_orders=HEAD + tests)
    command = [sys.executable, "-m", "pytest", *PLUGIN, "-p", "xdist", "-n2", "-rP", "--stepsim-seed=random"]
    for option in ("--update-golden", "-q"):
        ended = subprocess.run(
            [*command, option], capture_output=True, text=True, timeout=120, cwd=project.path, check=False
        )
        assert "8 passed" in ended.stdout, ended.stdout
        assert len(set(re.findall(r"^seed (\d+)$", ended.stdout, re.MULTILINE))) == 1
    assert len(list((project.path / "golden" / "test_orders").iterdir())) == 8


def test_a_session_that_uses_nothing_of_it_imports_nothing_of_it(pytester: pytest.Pytester) -> None:
    """But the module with its hooks."""
    pytester.makepyfile("def test_it(): assert {1: 2} == {1: 2}")
    code = (
        "import pytest, sys; pytest.main(['-q', '-p', 'no:cacheprovider']);"
        "print(sorted(name for name in sys.modules if name.startswith('stepsim.')))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=pytester.path, check=True
    )
    loaded = ended.stdout.strip().splitlines()[-1]
    assert "stepsim.runtime.pytest_plugin.plugin" in loaded
    assert "stepsim.asl" not in loaded
    assert "machine_tests" not in loaded


def test_markers_are_registered(pytester: pytest.Pytester) -> None:
    """So that --strict-markers knows them."""
    ended = pytester.runpytest_subprocess("--markers")
    ended.stdout.fnmatch_lines(["@pytest.mark.stepsim(*", "@pytest.mark.stepsim_cases(*"])
