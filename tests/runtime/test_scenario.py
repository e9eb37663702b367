from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepsim.runtime.cloud.faults import FaultRule
from stepsim.runtime.cloud.quotas import AWS_QUOTAS, NO_QUOTAS, changed
from stepsim.runtime.expectations import parse_expectation
from stepsim.runtime.scenario import ScenarioError, load_scenario
from stepsim.runtime.scenario_file import scenario_schema
from stepsim.runtime.scenario_types import (
    DEFAULT_START_MS,
    BucketSpec,
    GenerateSpec,
    IndexSpec,
    KeySpec,
    ProvisionedSpec,
    QueueSpec,
    TableSpec,
)
from stepsim.runtime.triggers.specs import ObjectSource, Polling, Timing
from stepsim.workers.modelled import ModelledError

ROOT = Path(__file__).parents[2]

FULL = """\
name: everything
definition: machine.asl.json
substitutions: {Table: t}
type: EXPRESS
input: {day: 2026-01-04, n: [1, 2.5, null, true]}
seed: 42
start: 2026-01-05T02:00:00Z
latency: none
cloud:
  buckets:
    files:
      generate: {count: 3, key: "in/{n:03d}.csv", body: "data:rows"}
      from: ./fixtures
    empty:
    seeded: {generate: {count: 1, key: one, body: "data.py:rows", seed: 7}}
  tables:
    t: {partition_key: pk, sort_key: {name: at, type: N}, billing: on_demand, gsis: {by: {partition_key: x}}}
  queues: {work: {visibility_s: 300, dlq: dead, max_receive: 3}, dead: {}}
functions:
  Real:
    handler: "functions/real:handler"
    memory_mb: 512
    timeout_s: 900
    env: {A: b}
    reserved_concurrency: 5
    duration: {lognormal: {median_ms: 240, p99_ms: 900}}
  Model: {returns: null, duration: 120ms, errors: [{error: Oops, probability: 0.1}]}
  Echo: {echo: true}
tasks:
  "arn:aws:states:::athena:startQueryExecution.sync": {duration: 40s, returns: {a: 1}}
quotas: {lambda_concurrency: none}
faults:
  - {state: Load, probability: 0.02, error: Lambda.TooManyRequestsException}
  - {call: s3.GetObject, key: "in/0*", error: SlowDown, status: 503, from: 30s, to: 1.5m}
  - {function: Real, item: 17, attempt: 1, hang: true}
expect:
  - status == SUCCEEDED
run:
  set: {cloud.buckets.files.generate.count: 2}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "machine.asl.json").write_text('{"Comment": "${Table}"}')
    (tmp_path / "data.py").write_text("def rows(n, random): return b''")
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions/real.py").write_text("def handler(event, context): return event")
    (tmp_path / "fixtures").mkdir()
    return tmp_path


def write(folder: Path, text: str) -> Path:
    file = folder / "scenario.yaml"
    file.write_text(text)
    return file


def problems(folder: Path, text: str, *sets: str) -> list[str]:
    """What is wrong with a scenario, as `line:column key: message (hint)`."""
    file = write(folder, text)
    with pytest.raises(ScenarioError) as failure:
        load_scenario(file, sets)
    return str(failure.value).replace(f"{file}:", "").replace(f"{folder}/", "").splitlines()


def test_everything_a_scenario_says(folder: Path) -> None:
    """Each key of a scenario comes out typed, with paths found, times in ms and defaults filled in."""
    scenario = load_scenario(write(folder, FULL))
    assert (scenario.name, scenario.type, scenario.seed, scenario.latency) == ("everything", "EXPRESS", 42, False)
    assert scenario.definition == folder / "machine.asl.json"
    assert scenario.base_dir == folder
    assert scenario.substitutions == {"Table": "t"}
    assert scenario.input == {"day": "2026-01-04", "n": [1, 2.5, None, True]}
    assert scenario.start_ms == 1_767_578_400_000
    assert scenario.buckets == {
        "files": BucketSpec(GenerateSpec(3, "in/{n:03d}.csv", "data:rows", 42), folder / "fixtures"),
        "empty": BucketSpec(),
        "seeded": BucketSpec(GenerateSpec(1, "one", "data.py:rows", 7)),
    }
    assert scenario.tables == {"t": TableSpec(KeySpec("pk"), KeySpec("at", "N"), {"by": IndexSpec(KeySpec("x"))})}
    assert scenario.queues == {"work": QueueSpec(300, "dead", 3), "dead": QueueSpec()}
    assert scenario.quotas == changed(AWS_QUOTAS, {"lambda_concurrency": None})
    assert scenario.expect == (parse_expectation("status == SUCCEEDED"),)


def test_functions_and_tasks(folder: Path) -> None:
    """A function is real code or a model; what is not said is as AWS has it."""
    scenario = load_scenario(write(folder, FULL))
    real, model, echo = (scenario.functions[name] for name in ("Real", "Model", "Echo"))
    assert (real.handler, real.memory_mb, real.timeout_ms) == ("functions/real:handler", 512, 900_000)
    assert (real.env, real.reserved_concurrency, real.duration.constant_ms) == ({"A": "b"}, 5, None)
    assert (model.handler, model.returns, model.duration.constant_ms) == (None, None, 120)
    assert model.errors == (ModelledError("Oops", 0.1),)
    assert (echo.echo, echo.memory_mb, echo.timeout_ms, echo.duration.constant_ms) == (True, 128, 3_000, 0)
    [(resource, task)] = scenario.tasks.items()
    assert resource == "arn:aws:states:::athena:startQueryExecution.sync"
    assert (task.returns, task.duration.constant_ms) == ({"a": 1}, 40_000)


def test_faults(folder: Path) -> None:
    """Faults come out as the rules that the cloud follows."""
    assert load_scenario(write(folder, FULL)).faults == (
        FaultRule(state="Load", probability=0.02, error="Lambda.TooManyRequestsException"),
        FaultRule(call="s3.GetObject", key="in/0*", error="SlowDown", status=503, from_ms=30_000, to_ms=90_000),
        FaultRule(function="Real", item=17, attempt=1, hang=True),
    )


def test_a_definition_is_enough(folder: Path) -> None:
    """Everything but the definition has a default; scenario.yaml is named after its folder."""
    scenario = load_scenario(write(folder, "definition: machine.asl.json"))
    assert (scenario.name, scenario.type, scenario.input, scenario.seed) == (folder.name, "STANDARD", {}, 0)
    assert (scenario.start_ms, scenario.latency, scenario.quotas) == (DEFAULT_START_MS, True, AWS_QUOTAS)


def test_all_quotas_off(folder: Path) -> None:
    """`quotas: none` turns all of them off."""
    assert load_scenario(write(folder, "{definition: machine.asl.json, quotas: none}")).quotas == NO_QUOTAS


def test_all_problems_come_at_once(folder: Path) -> None:
    """Every mistake is named with line, column, key, and what may have been meant."""
    text = """\
definition: missing.json
inptu: {}
type: EXPRES
start: tomorrow
cloud:
  bukets: {}
  queues: {work: {dlq: deaf, max_receive: 3}, dead: {}, q: {max_receive: 0}}
functions:
  A: {handler: "functions/none:handler", returns: 1}
  B: {returns: 1, duration: 5}
  C: {memory_mb: "512", timeout_s: 901, echo: true}
  D: {}
faults:
  - {state: X, probability: 2, error: E}
  - {function: AA, error: E, from: 5s, to: 1s}
  - {state: X}
expect: [status = X]
"""
    found = problems(folder, text)
    assert found == [
        "1:1: definition: there is no file missing.json",
        "2:1: inptu: unknown key 'inptu' (did you mean 'input'?)",
        "3:1: type: EXPRESS or STANDARD expected, not 'EXPRES' (did you mean 'EXPRESS'?)",
        "4:1: start: a time such as 2026-01-05T02:00:00Z expected, not 'tomorrow'",
        "6:3: cloud.bukets: unknown key 'bukets' (did you mean 'buckets'?)",
        "7:19: cloud.queues.work.dlq: there is no queue 'deaf' (did you mean 'dead'?)",
        "7:61: cloud.queues.q.max_receive: a whole number from 1 to 1000 expected, not 0",
        "9:3: functions.A: exactly one of handler, returns and echo: true expected",
        found[8],
        found[9],
        "11:7: functions.C.memory_mb: a whole number from 128 to 10240 expected, not '512'",
        "11:25: functions.C.timeout_s: a whole number from 1 to 900 expected, not 901",
        "12:3: functions.D: exactly one of handler, returns and echo: true expected",
        "14:16: faults[0].probability: a number from 0 to 1 expected, not 2",
        "15:6: faults[1].function: there is no function 'AA' (did you mean 'A'?)",
        "15:40: faults[1].to: ends before it begins",
        "16:5: faults[2]: A fault needs an error, a delay, hang, crash, duplicate, partial, stale or corrupt.",
        "17:10: expect[0]: 'status = X' is not of the form `path operator value`, as in `status == SUCCEEDED`",
    ]
    assert found[8].startswith("9:7: functions.A.handler: handler 'functions/none:handler': there is no file")
    assert found[9].startswith("10:19: functions.B.duration: 5 is not a time such as 120ms")


@pytest.mark.parametrize(
    "table",
    [
        "billing: provisioned, provisioned: {wcu: 5, rcu: 7}",
        "provisioned: {wcu: 5, rcu: 7}",
        "billing: {provisioned: {wcu: 5, rcu: 7}}",
    ],
)
def test_a_table_can_be_provisioned(folder: Path, table: str) -> None:
    """Its indexes are provisioned as it is, unless they say otherwise."""
    gsis = "gsis: {a: {partition_key: x}, b: {partition_key: y, provisioned: {wcu: 1, rcu: 2}}}"
    text = f"definition: machine.asl.json\ncloud: {{tables: {{t: {{partition_key: p, {table}, {gsis}}}}}}}\n"
    (folder / "scenario.yaml").write_text(text)
    found = load_scenario(folder / "scenario.yaml").tables["t"]
    assert found.provisioned == ProvisionedSpec(5, 7)
    assert [index.provisioned for index in found.gsis.values()] == [ProvisionedSpec(5, 7), ProvisionedSpec(1, 2)]


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("billing: provisioned", "cloud.tables.t: 'provisioned' is missing: {wcu: …, rcu: …}"),
        ("billing: {provisioned: {wcu: 1}}", "cloud.tables.t.billing.provisioned: 'rcu' is missing"),
        ("provisioned: {wcu: 0, rcu: 1}", "provisioned.wcu: a whole number from 1 expected, not 0"),
        (
            "billing: on_demand, provisioned: {wcu: 1, rcu: 1}",
            "provisioned: a table on demand has no provisioned throughput",
        ),
        (
            "billing: {provisioned: {wcu: 1, rcu: 1}}, provisioned: {wcu: 1, rcu: 1}",
            "provisioned: is given twice, here and in billing",
        ),
        (
            "gsis: {i: {partition_key: x, provisioned: {wcu: 1, rcu: 1}}}",
            "gsis.i.provisioned: an index of a table on demand has no provisioned throughput",
        ),
    ],
)
def test_throughput_that_cannot_be_is_refused(folder: Path, table: str, problem: str) -> None:
    """Throughput is provisioned or not, and said once."""
    text = f"definition: machine.asl.json\ncloud: {{tables: {{t: {{partition_key: p, {table}}}}}}}\n"
    [found] = problems(folder, text)
    assert problem in found


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("cloud: {buckets: {in: {}}}", "cloud.buckets.in: S3 makes no bucket of that name: it has 3 to 63 characters"),
        ("cloud: {buckets: {box: {from: nowhere}}}", "cloud.buckets.box.from: there is no folder nowhere"),
        (
            'cloud: {buckets: {box: {generate: {count: 2, key: same, body: "data:rows"}}}}',
            "cloud.buckets.box.generate.key: the same key for every n (write {n} or {n:06d})",
        ),
        (
            'cloud: {buckets: {box: {generate: {count: 2, key: "{m}", body: "data:rows"}}}}',
            "cloud.buckets.box.generate.key: no pattern of n: 'm' (write {n} or {n:06d})",
        ),
        (
            'cloud: {buckets: {box: {generate: {count: 2, key: "{n:.2f}", body: "data:rows"}}}}',
            "cloud.buckets.box.generate.key: no pattern of n: A key pattern has {n} or {n:06d} and nothing else",
        ),
        (
            'cloud: {buckets: {box: {generate: {count: 2, key: "{n}", body: "nothing_here:rows"}}}}',
            "cloud.buckets.box.generate.body: 'nothing_here:rows': there is neither a file nothing_here.py nor a",
        ),
        (
            'functions: {F: {handler: "functions/real:handler", errors: [{error: E, probability: 1}]}}',
            "functions.F.errors: errors model a function without code",
        ),
        (
            "functions: {F: {echo: true, errors: [{error: E, probability: 1}, {error: G, probability: 0.5}]}}",
            "functions.F.errors: the probabilities sum to 1.5",
        ),
        ("cloud: {queues: {q: {max_receive: 3}}}", "cloud.queues.q: dlq and max_receive go together"),
        ("cloud: {tables: {t: {}}}", "cloud.tables.t: 'partition_key' is missing"),
        ("faults: [{state: S, error: E, from: 5}]", "faults[0].from: 5 is not a time such as"),
        ("functions: [F]", "functions: a mapping expected, not a list"),
        ("expect: status == X", "expect: a list expected, not 'status == X'"),
        ("seed: true", "seed: a whole number expected, not true"),
        ("seed:", "seed: a whole number expected, not nothing"),
        ("input: 1\ninput: 2", "input: 'input' stands twice"),
    ],
)
def test_a_part_that_cannot_be_used(folder: Path, line: str, problem: str) -> None:
    """A wrong part is named by its key."""
    [found] = problems(folder, f"definition: machine.asl.json\n{line}\n")
    assert problem in found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1: 'definition' is missing"),
        ("- a", "1:1: a mapping expected, not a list"),
        ("definition: machine.asl.json\nfaults: [1", "2:9: while parsing a flow sequence"),
        ("definition: data.py", "1:1: definition: a file ending in .json, .yaml, .yml expected, not 'data.py'"),
    ],
)
def test_a_file_that_is_no_scenario(folder: Path, text: str, problem: str) -> None:
    """An empty file, another kind of value and broken YAML are problems with a place."""
    [found] = problems(folder, text)
    assert found.startswith(problem) or problem.split(": ", 1)[1] in found


def test_a_missing_file_is_a_problem(folder: Path) -> None:
    """A scenario that is not there is a ScenarioError, too."""
    with pytest.raises(ScenarioError, match=r"none\.yaml: cannot be read: No such file or directory"):
        load_scenario(folder / "none.yaml")


def test_overrides(folder: Path) -> None:
    """--set changes, adds and appends; values are YAML; later ones win, and the seed argument wins over all."""
    sets = [
        "cloud.buckets.files.generate.count=500",
        "cloud.buckets.new.from=fixtures",
        "cloud.buckets.empty.generate={count: 1, key: k, body: 'data:rows'}",
        'functions."Echo".duration=2s',
        "faults[0].probability=0.5",
        "faults.1.status=500",
        "faults[3]={state: Added, error: E}",
        "input.day=2026-01-05",
        'tasks."arn:aws:states:::sns:publish".duration=1s',
        "quotas.lambda_concurrency=700",
        "name=a=b",
        "seed=1",
        "seed=2",
    ]
    scenario = load_scenario(write(folder, FULL), sets)
    generated = scenario.buckets["files"].generate
    assert generated is not None
    assert generated.count == 500
    assert scenario.buckets["new"].folder == folder / "fixtures"
    assert scenario.buckets["empty"].generate == GenerateSpec(1, "k", "data:rows", 2)
    assert scenario.functions["Echo"].duration.constant_ms == 2_000
    assert [fault.probability for fault in scenario.faults] == [0.5, 1.0, 1.0, 1.0]
    assert (scenario.faults[1].status, scenario.faults[3].state) == (500, "Added")
    assert scenario.input["day"] == "2026-01-05"
    assert scenario.tasks["arn:aws:states:::sns:publish"].duration.constant_ms == 1_000
    assert (scenario.quotas["lambda_concurrency"], scenario.name, scenario.seed) == (700, "a=b", 2)
    assert load_scenario(write(folder, FULL), sets, seed=3).seed == 3


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("sede=1", "sede: unknown key 'sede', set by --set sede=1 (did you mean 'seed'?)"),
        (
            "cloud.bucket.files.generate.count=5",
            "cloud.bucket: unknown key 'bucket', set by --set cloud.bucket.files.generate.count=5"
            " (did you mean 'buckets'?)",
        ),
        ("seed=x", "seed: a whole number expected, not 'x', set by --set seed=x"),
        ("cloud.tables.u.sort_key=s", "cloud.tables.u: 'partition_key' is missing, set by --set"),
        ("faults[9].item=1", "faults: '9' is not an index of a list of 3, in --set faults[9].item=1"),
        ("faults.first.item=1", "faults: 'first' is not an index of a list of 3, in --set"),
        ("name.x=1", "name: there is no 'x' in 'everything', in --set name.x=1"),
        ("seed", "key.path=value expected, in --set seed"),
        ("a..b=1", "'a..b' is not a path such as"),
        ("seed=[1", "seed: the value cannot be read:"),
    ],
)
def test_a_bad_override_is_named(folder: Path, override: str, problem: str) -> None:
    """A --set that leads nowhere or gives a wrong value is quoted; it has no line."""
    [found] = problems(folder, FULL, override)
    assert problem in found


def test_overrides_leave_other_positions(folder: Path) -> None:
    """What the file itself says keeps its line beside an override."""
    found = problems(folder, "definition: machine.asl.json\nseed: a\ncloud: {}\n", "cloud.buckets.b.count=1")
    assert found[0].endswith("'count', set by --set cloud.buckets.b.count=1 (known: generate, from)")
    assert found[1] == "2:1: seed: a whole number expected, not 'a'"


def test_a_real_run_may_be_smaller(folder: Path) -> None:
    """run.set is followed on the system clock only, and --set goes after it."""
    file = write(folder, FULL)

    def count(*sets: str, real: bool) -> int:
        generated = load_scenario(file, sets, clock="system" if real else "virtual").buckets["files"].generate
        assert generated is not None
        return generated.count

    assert (count(real=False), count(real=True)) == (3, 2)
    assert count("cloud.buckets.files.generate.count=9", real=True) == 9


def test_a_substitution_of_nothing_is_told(folder: Path) -> None:
    """With the placeholders that there are; of other machines, too."""
    text = "definition: machine.asl.json\nsubstitutions: {Tabel: t}\n"
    text += "machines: {other: {definition: machine.asl.json, substitutions: {Stage: x}}}\n"
    assert problems(folder, text) == [
        "2:17: substitutions.Tabel: machine.asl.json has no placeholder ${Tabel} (did you mean 'Table'?)",
        "3:66: machines.other.substitutions.Stage: machine.asl.json has no placeholder ${Stage} (known: Table)",
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("cloud.bukets.x: {}", "cloud.bukets: unknown key 'bukets', set by run.set cloud.bukets.x"),
        ("seed: soon", "seed: a whole number expected, not 'soon', set by run.set seed"),
        ("seed.x: 1", "seed: there is no 'x' in 0, in run.set seed.x"),
        ("input.anything: 1", None),
    ],
)
def test_what_a_real_run_changes_is_checked_by_simulations_too(folder: Path, change: str, told: str | None) -> None:
    """In the same words: a path that leads nowhere is found before anybody runs it."""
    text = f"definition: machine.asl.json\nseed: 0\nrun: {{set: {{{change}}}}}\n"
    if told is None:
        assert load_scenario(write(folder, text)).input == {}
        return
    assert any(told in line for line in problems(folder, text))
    with pytest.raises(ScenarioError) as raised:
        load_scenario(folder / "scenario.yaml", clock="system")
    assert told in str(raised.value)


@pytest.mark.parametrize(
    "file",
    sorted(file for file in ROOT.glob("scenarios/*/*.yaml") if file.name != "figures.yaml"),
    ids=lambda file: f"{file.parent.name}/{file.name}",
)
def test_the_scenarios_of_this_repository_load(file: Path) -> None:
    """Each scenario here can be used on both clocks."""
    assert load_scenario(file).expect
    assert Path(str(load_scenario(file, clock="system").definition)).is_file()


def test_the_published_schema_is_the_types_schema() -> None:
    """docs/scenario.schema.json is what scenario_schema() returns."""
    assert json.loads((ROOT / "docs/scenario.schema.json").read_text()) == scenario_schema()


def test_an_unknown_quota_is_named_with_the_nearest_one(folder: Path) -> None:
    """So is a value that is no number, and a time without its unit."""
    text = (
        "definition: machine.asl.json\nquotas: {state_transitions: 5, s3_prefix_read_rate: many, dynamodb_burst: 300}\n"
    )
    assert [problem.partition(": ")[2] for problem in problems(folder, text)] == [
        "quotas.state_transitions: there is no quota 'state_transitions' (did you mean 'state_transition_rate'?)",
        "quotas.s3_prefix_read_rate: is a number or none, not 'many': GET and HEAD requests a second of one prefix",
        "quotas.dynamodb_burst: 300 is not a time such as 120ms, 40s, 1.5m, 2h or 1d; write 300ms or 300s",
    ]


TRIGGERED = """\
definition: machine.asl.json
cloud:
  buckets: {inbox: }
  queues: {work: {duplicates: 0.1}, dead: }
  triggers:
    - {bucket: inbox, prefix: a/, suffix: .txt,
       via: [eventbridge, sqs: {queue: work, batch_size: 20, batch_window: 5s}],
       start: definition, input: {key: <$.detail.object.key>}}
    - {bucket: inbox, invoke: F, duplicates: 0.01}
    - {schedule: rate(5 minutes), via: [eventbridge], start: other, dlq: dead}
    - {at: 30s, via: [sqs: dead]}
    - {name: mine, queue: {queue: work, poller: lambda, maximum_concurrency: 3}, start: other}
functions: {F: {echo: true}}
machines: {other: {definition: machine.asl.json}}
until: 24h
arrivals:
  - {at: 10s, bucket: inbox, key: "a/{n:03d}", generate: {count: 5, body: "data:rows", seed: 9}, every: 5s}
  - {bucket: inbox, key: one, content: text}
  - {queue: work, message: {a: 1}, generate: {count: 3}, poisson: {per_s: 0.5}}
  - {queue: work, generate: {count: 3, size: 9}, spread: 2h}
"""


def test_triggers_and_arrivals(folder: Path) -> None:
    """What they say, and who starts the scenario's own machine."""
    scenario = load_scenario(write(folder, TRIGGERED))
    assert [trigger.name for trigger in scenario.triggers] == ["inbox", "inbox#2", "schedule", "schedule#2", "mine"]
    first, second, third, fourth, last = scenario.triggers
    assert (first.source, first.via_bus) == (ObjectSource("inbox", "a/", ".txt"), True)
    assert first.polling == Polling("work", 20, 5_000)
    assert first.target is not None
    assert (first.target.kind, first.target.name) == ("start", scenario.name)
    assert (second.via_bus, second.polling, second.duplicates) == (False, None, 0.01)
    assert (third.via_bus, third.dlq) == (True, "dead")
    assert (fourth.polling, fourth.target) == (Polling("dead"), None)
    assert last.polling == Polling("work", maximum_concurrency=3, one_each=True)
    assert (scenario.until_ms, scenario.starts_itself, scenario.is_triggered) == (86_400_000, False, True)
    made, one, messages, sized = scenario.arrivals
    assert (made.count, made.body, made.seed, made.timing) == (5, "data:rows", 9, Timing(10_000, every_ms=5_000))
    assert (one.count, one.key, one.text) == (1, "one", "text")
    assert (messages.kind, messages.place, messages.text, messages.timing.per_s) == ("queue", "work", '{"a":1}', 0.5)
    assert (sized.size, sized.timing.spread_ms) == (9, 7_200_000)
    assert load_scenario(write(folder, f"input: {{}}\n{TRIGGERED}")).starts_itself


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "{bucket: inbx, via: [eventbridge], start: definition}",
            "[0].bucket: there is no bucket 'inbx' (did you mean",
        ),
        ("{bucket: inbox, start: definition}", "[0].start: S3 itself starts no executions"),
        ("{bucket: inbox, via: [eventbridge], start: definiton}", "there is no machine 'definiton' (did you mean"),
        ("{bucket: inbox, via: [sqs: wrk], start: definition}", "[0].via[0].sqs: there is no queue 'wrk'"),
        ("{bucket: inbox, via: [{sqs: {queue: wrk}}]}", "[0].via[0].sqs.queue: there is no queue 'wrk'"),
        ("{bucket: inbox, via: [sqs: work, eventbridge], start: definition}", "[0].via: one of [], [eventbridge]"),
        ("{bucket: inbox, via: [kafka], start: definition}", "[0].via[0]: eventbridge or a mapping expected"),
        ("{bucket: inbox, invoke: G}", "[0].invoke: there is no function 'G'"),
        ("{bucket: inbox, invoke: F, input: {}}", "[0].input: functions get what a queue or a bucket sends as it is"),
        ("{bucket: inbox, invoke: F, start: definition, via: [eventbridge]}", "[0]: either start or invoke"),
        ("{bucket: inbox, via: [eventbridge]}", "[0]: start or invoke is missing"),
        ("{bucket: inbox, invoke: F, dlq: work}", "[0].dlq: it is EventBridge that has a dlq of its own"),
        ("{bucket: inbox, queue: work, invoke: F}", "[0]: exactly one of bucket, schedule, at, queue expected"),
        ("{invoke: F}", "[0]: exactly one of bucket, schedule, at, queue expected"),
        ("{queue: work, prefix: a, invoke: F}", "[0]: prefix and suffix go with a bucket"),
        ("{queue: work, via: [eventbridge], invoke: F}", "[0].via: from a queue, the way leads straight"),
        ("{queue: {queue: work, batch_size: 11}, invoke: F}", "[0].queue.batch_size: above 10 it takes a batch_window"),
        ("{queue: {queue: work, batch_window: 6m}, invoke: F}", "[0].queue.batch_window: is 5m at the most"),
        ("{queue: {queue: work, poller: lambda}, invoke: F}", "[0].queue.poller: is about what starts executions"),
        (
            "{queue: {queue: work, report_batch_item_failures: true}, start: definition}",
            "[0].queue.report_batch_item_failures: it is functions that report failed messages",
        ),
        ("{schedule: hourly, start: definition}", "[0].schedule: 'hourly' is no schedule; write rate(5 minutes)"),
        ("{schedule: rate(1 hour), start: definition}", "[0].schedule: a schedule that never ends"),
        ("{at: 30, start: definition}", "[0].at: 30 is not a time such as"),
        ("{at: 30s, start: definition, input: <$.a b>}", "[0].input: Use bracket notion"),
        ("{at: 30s, via: [sqs: work], input: 1}", "[0].input: is of what is started or invoked"),
    ],
)
def test_a_trigger_that_cannot_be(folder: Path, text: str, problem: str) -> None:
    """It is told by its key, with what may have been meant."""
    rest = "cloud:\n  buckets: {inbox: }\n  queues: {work: }\n  triggers:\n    - "
    found = problems(folder, f"definition: machine.asl.json\nfunctions: {{F: {{echo: true}}}}\n{rest}{text}\n")
    assert any(f"cloud.triggers{problem}" in one or problem in one for one in found), found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{bucket: inbx, key: k, content: x}", "arrivals[0].bucket: there is no bucket 'inbx'"),
        ("{bucket: inbox, content: x}", "arrivals[0]: 'key' is missing"),
        ("{bucket: inbox, key: k}", "exactly one of content, generate.body and generate.size expected"),
        ("{bucket: inbox, key: k, generate: {count: 2, size: 1}}", "arrivals[0].key: the same key for every n"),
        ('{bucket: inbox, key: "{m}", content: x}', "arrivals[0].key: no pattern of n"),
        ("{bucket: inbox, key: k, content: x, message: y}", "arrivals[0].message: is sent to a queue"),
        ("{bucket: inbox, queue: work, message: y}", "arrivals[0]: either a bucket or a queue expected"),
        ("{queue: work}", "exactly one of message, generate.body and generate.size expected"),
        ("{queue: work, message: 1, key: k}", "arrivals[0]: key and content are of objects"),
        ("{queue: wrk, message: 1}", "arrivals[0].queue: there is no queue 'wrk' (did you mean 'work'?)"),
        ("{queue: work, message: 1, every: 1s, spread: 2s}", "one of every, spread and poisson at the most"),
        ("{queue: work, message: 1, every: 5}", "arrivals[0].every: 5 is not a time such as"),
        ('{queue: work, generate: {count: 1, body: "nothing:here"}}', "arrivals[0].generate.body: 'nothing:here'"),
    ],
)
def test_an_arrival_that_cannot_be(folder: Path, text: str, problem: str) -> None:
    """The same for what comes."""
    start = "definition: machine.asl.json\ncloud: {buckets: {inbox: }, queues: {work: }}"
    assert any(problem in one for one in problems(folder, f"{start}\narrivals:\n  - {text}\n"))


def test_until_is_about_something(folder: Path) -> None:
    """Where nothing comes from outside, it would do nothing."""
    assert problems(folder, "definition: machine.asl.json\nuntil: 1h\n") == [
        "2:1: until: ends triggers and arrivals, and there are none"
    ]


def test_mocks_are_for_one_execution(folder: Path) -> None:
    """Where triggers start many, nobody could say which answer is whose."""
    text = TRIGGERED + "mocks: {states: {}}\n"
    assert any("mocks: mocks answer one execution" in one for one in problems(folder, text))


def test_a_number_among_environment_variables_becomes_a_text(folder: Path) -> None:
    """YAML takes 64 for a number; a process has texts only."""
    text = "definition: machine.asl.json\nfunctions: {F: {returns: 1, env: {SHARDS: 64, RATE: 0.5, NAME: a}}}\n"
    assert load_scenario(write(folder, text)).functions["F"].env == {"SHARDS": "64", "RATE": "0.5", "NAME": "a"}
