from __future__ import annotations

from typing import Any

import pytest

from stepsim.runtime.cloud.call import CallSite
from stepsim.runtime.cloud.faults import FaultRule, Faults, Strike
from stepsim.runtime.dice import Dice

SITE = CallSite("run", "Load", "loader", 17, 0)


def faults(*rules: FaultRule, now_ms: int = 0) -> Faults:
    return Faults(rules, Dice(7), lambda: now_ms)


def struck(rule: FaultRule, params: dict[str, Any] | None = None, now_ms: int = 0, site: CallSite = SITE) -> bool:
    return faults(rule, now_ms=now_ms).strike_call("s3.GetObject", params or {}, site, 0) is not None


def test_a_call_is_selected_by_name_key_item_attempt_and_time() -> None:
    """Each selector narrows; attempts count from 1; the end of the window is outside."""
    assert struck(FaultRule(call="s3.GetObject", error="SlowDown"))
    assert not struck(FaultRule(call="s3.PutObject", error="SlowDown"))
    glob = FaultRule(call="s3.GetObject", key="bank_files/0001*", error="SlowDown")
    assert struck(glob, {"Key": "bank_files/000142.csv"})
    assert not struck(glob, {"Key": "bank_files/001.csv"})
    assert not struck(glob)
    assert struck(FaultRule(call="s3.GetObject", item=17, attempt=1, hang=True))
    assert not struck(FaultRule(call="s3.GetObject", item=17, attempt=2, hang=True))
    window = FaultRule(call="s3.GetObject", error="SlowDown", from_ms=30, to_ms=90)
    assert [struck(window, now_ms=now_ms) for now_ms in (29, 30, 89, 90)] == [False, True, True, False]


def test_a_dynamodb_key_matches_by_its_values() -> None:
    """A glob meets the values of a key's attributes, typed or not."""
    rule = FaultRule(call="dynamodb.GetItem", key="P1#*", error="ThrottlingException")
    site = CallSite()
    for key in ({"pk": {"S": "P1#2026"}}, {"pk": "P1#2026", "sk": 1}):
        assert faults(rule).strike_call("dynamodb.GetItem", {"Key": key}, site, 0)
    assert not faults(rule).strike_call("dynamodb.GetItem", {"Key": {"pk": {"S": "P2#"}}}, site, 0)


def test_tasks_and_functions_are_struck_by_name() -> None:
    """state: strikes a state's task, function: an invocation, and neither the other."""
    both = faults(FaultRule(state="Load", error="A", cause="why"), FaultRule(function="loader", delay_ms=5))
    task, function = both.strike_task(SITE), both.strike_function(SITE)
    assert task is not None
    assert (task.code, task.message) == ("A", "why")
    assert function is not None
    assert (function.code, function.delay_ms) == (None, 5)
    assert both.strike_task(CallSite("run", "Other")) is None


def test_one_more_fault_shifts_nobodys_dice() -> None:
    """What a rule strikes is the same with and without other rules before it."""
    rule = FaultRule(state="Load", probability=0.3, error="A")
    other = FaultRule(state="Load", probability=0.2, error="B")
    sites = [CallSite("run", "Load", item=item) for item in range(300)]
    alone = [faults(rule).strike_task(site) is not None for site in sites]
    together = [faults(other, rule).strike_task(site) for site in sites]
    assert 60 < sum(alone) < 120
    assert all(
        hit == (struck is not None) or (struck is not None and struck.code == "B")
        for hit, struck in zip(alone, together, strict=True)
    )


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"error": "E"}, "strikes a call, a service, a function or a state"),
        ({"call": "s3.GetObject", "service": "s3", "error": "E"}, "not both"),
        ({"call": "GetObject", "error": "E"}, "service.Operation"),
        ({"state": "A", "key": "x", "error": "E"}, "key goes with call or service, not with a state"),
        ({"state": "A", "crash": "after"}, "crash goes with call or service or function, not with a state"),
        ({"service": "s3", "duplicate": True}, "duplicate goes with call or function, not with a service"),
        ({"function": "f", "error": "E", "status": 503}, "status goes with call or service"),
        ({"call": "s3.GetObject", "hang": True, "status": 503}, "cause and status go with an error"),
        ({"call": "s3.GetObject", "error": "E", "hang": True}, "one thing, not error and hang"),
        ({"call": "s3.PutObject", "corrupt": True}, "corrupt goes with call: s3.GetObject"),
        ({"call": "s3.PutObject", "partial": 0.5}, "partial goes with call: dynamodb.BatchGetItem"),
        ({"function": "f", "stale": True}, "stale goes with call"),
        ({"call": "events.delivery", "duplicate": True}, "a trigger's duplicates tell"),
    ],
)
def test_a_rule_that_cannot_mean_anything_is_refused(rule: dict[str, Any], problem: str) -> None:
    """A rule names what it strikes, does one thing, and has only aims and effects that go with that."""
    with pytest.raises(ValueError, match=problem):
        FaultRule(**rule)


def test_a_rule_without_an_effect_is_refused() -> None:
    """A fault does something: an error, a delay or a hang."""
    with pytest.raises(ValueError, match="needs an error"):
        FaultRule(state="A")


def test_a_refusal_has_the_status_that_aws_sends() -> None:
    """Where a rule doesn't say a status, its error's own is meant."""
    rules = [FaultRule(call="s3.GetObject", error=error) for error in ("SlowDown", "NoSuchKey", "ThrottlingException")]
    refusals = [faults(rule).strike_call("s3.GetObject", {}, SITE, 0) for rule in rules]
    assert [refusal.status for refusal in refusals if refusal] == [503, 404, 400]


def test_a_fault_is_narrowed_by_execution_place_batch_and_call_number() -> None:
    """Aims may be added to one another; each must hit."""
    site = CallSite("run/Map/3", "Load", "loader", 3, 1, "Map/1/0/2")
    site.batch = 3
    for aims in (
        {"execution": "run/Map/3"},
        {"execution": "run/*"},
        {"batch": 3, "item": 3},
        {"place": "Map/1/0/2", "attempt": 2},
        {"state": "Load", "function": "loader", "call_number": 1},
    ):
        assert struck(FaultRule(call="s3.GetObject", error="E", **aims), site=site), aims
    for aims in ({"execution": "run"}, {"batch": 4}, {"place": "1"}, {"call_number": 2}, {"function": "other"}):
        assert not struck(FaultRule(call="s3.GetObject", error="E", **aims), site=site), aims


def test_the_first_fault_wins_wherever_it_aims() -> None:
    """Faults for one execution and for all stand in the order of the scenario."""
    single = FaultRule(call="s3.GetObject", execution="run", error="A")
    general = FaultRule(service="s3", error="B")
    for rules, expected in (((single, general), "A"), ((general, single), "B")):
        refusal = faults(*rules).strike_call("s3.GetObject", {}, SITE, 0)
        assert refusal is not None
        assert refusal.code == expected


def test_an_outage_has_the_services_own_error() -> None:
    """A service that is down answers every call as its SDKs expect; Lambda's refuses invocations, too."""
    down = faults(FaultRule(service="dynamodb"), FaultRule(service="lambda"))
    refusal = down.strike_call("dynamodb.Query", {}, SITE, 0)
    assert refusal is not None
    assert (refusal.code, refusal.status) == ("InternalServerError", 500)
    invocation = down.strike_function(SITE)
    assert invocation is not None
    assert (invocation.code, invocation.status, invocation.by_service) == ("ServiceException", 500, True)
    assert down.strike_function(CallSite("run", "Load", "ecs/loader")) is None


def test_why_a_fault_never_struck_is_told() -> None:
    """What never came, what missed an aim, bad luck, and another fault in front are told apart."""
    rules = [
        FaultRule(call="s3.PutObject", error="E"),
        FaultRule(call="s3.GetObject", key="x*", error="E"),
        FaultRule(call="s3.GetObject", probability=0.0, error="E"),
        FaultRule(call="s3.GetObject", error="E"),
        FaultRule(call="s3.GetObject", attempt=1, error="E"),
        FaultRule(call="s3.GetObject", from_ms=1_500, to_ms=2_000, error="E"),
    ]
    at_work = faults(*rules)
    at_work.strike_call("s3.GetObject", {"Key": "a"}, SITE, 0)
    told = at_work.report()
    assert [(entry["struck"], entry["considered"]) for entry in told] == [
        (0, 0),
        (0, 0),
        (0, 1),
        (1, 1),
        (0, 1),
        (0, 0),
    ]
    assert [entry["message"] for entry in told] == [
        "the call s3.PutObject never came up",
        "the call s3.GetObject came up once, but never with a key like x*",
        "what it aims at came up once, but its probability never fell",
        None,
        "what it aims at was struck by a fault before it",
        "the call s3.GetObject came up once, but never with a time from 1.5 s on and before 2 s",
    ]
    assert told[1]["fault"] == "{call: s3.GetObject, key: x*, error: E}"


def test_a_strike_made_exact_strikes_there_alone() -> None:
    """The rule made of a strike hits the same call of the same attempt, and no other."""
    strikes: list[Strike] = []
    rule = FaultRule(service="s3", key="a*", probability=0.5, from_ms=0, to_ms=10)
    at_work = Faults([rule], Dice(7), lambda: 5, strikes.append)
    sites = [CallSite(f"run[{n}]", "Load", "loader", n, 0, f"Map/{n}") for n in range(20)]
    hit = [(n, k) for n in range(20) for k in (0, 1) if at_work.strike_call("s3.GetObject", {"Key": "a"}, sites[n], k)]
    assert 10 < len(hit) < 30
    exact = Faults([strike.exact() for strike in strikes], Dice(8), lambda: 99)
    again = [(n, k) for n in range(20) for k in (0, 1) if exact.strike_call("s3.GetObject", {"Key": "b"}, sites[n], k)]
    assert again == hit
