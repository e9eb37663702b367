from __future__ import annotations

from typing import Any

import pytest

from stepsim.runtime.cloud.call import CallSite
from stepsim.runtime.cloud.faults import FaultRule, Faults
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
    "selectors",
    [{}, {"state": "A", "function": "b"}, {"call": "GetObject"}, {"state": "A", "key": "x"}],
)
def test_a_rule_that_cannot_mean_anything_is_refused(selectors: dict[str, str]) -> None:
    """A rule strikes exactly one kind of thing, with selectors that fit it."""
    with pytest.raises(ValueError, match="fault"):
        FaultRule(**selectors, error="E")  # type: ignore[arg-type]


def test_a_rule_without_an_effect_is_refused() -> None:
    """A fault does something: an error, a delay or a hang."""
    with pytest.raises(ValueError, match="needs an error"):
        FaultRule(state="A")


def test_a_refusal_has_the_status_that_aws_sends() -> None:
    """Where a rule doesn't say a status, its error's own is meant."""
    rules = [FaultRule(call="s3.GetObject", error=error) for error in ("SlowDown", "NoSuchKey", "ThrottlingException")]
    refusals = [faults(rule).strike_call("s3.GetObject", {}, SITE, 0) for rule in rules]
    assert [refusal.status for refusal in refusals if refusal] == [503, 404, 400]
