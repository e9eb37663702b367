"""What handlers write. Virtual time is entered inside the tests: pytest itself replaces sys.stdout before each."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

import pytest

from stepsim.workers.inline import LOG_CHARS_MAX, InlineWorker
from stepsim.workers.virtual_time import VirtualTime

logger = logging.getLogger("tests.function")


def _talk(event: Any, _context: Any) -> None:
    print(event, "begins")
    time.sleep(1)
    print(event, "ends", file=sys.stderr)


def test_each_invocations_output_is_its_own(timeline: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """What handlers print side by side ends up in their own logs; the hub prints as ever."""
    results: list[Any] = []
    with VirtualTime(timeline) as virtual_time:
        stage = timeline.stage(virtual_time)
        worker = InlineWorker(_talk, virtual_time, log="all")
        stage.start(worker, results, "1", "r-1")
        stage.start(worker, results, "2", "r-2")
        print("the hub")
        timeline.run()
    assert [result.log.splitlines()[:4] for result in results] == [
        [f"START RequestId: r-{n} Version: $LATEST", f"{n} begins", f"{n} ends", f"END RequestId: r-{n}"]
        for n in (1, 2)
    ]
    assert capsys.readouterr().out == "the hub\n"


def test_only_failures_keep_their_log_by_default(timeline: Any) -> None:
    """A success has no log unless all are asked for; a failure's log ends with the error; `none` keeps nothing."""

    def fail(_event: Any, _context: Any) -> None:
        print("about to fail")
        raise ValueError("no")

    with VirtualTime(timeline) as virtual_time:
        stage = timeline.stage(virtual_time)
        assert stage.call(_talk).log == ""
        lines = stage.call(fail).log.splitlines()
        assert lines[1:4] == ["about to fail", "[ERROR] ValueError: no", "Traceback (most recent call last):"]
        assert stage.call(InlineWorker(fail, virtual_time, log="none")).log == ""


def test_logging_is_set_up_as_lambda_does(timeline: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Warnings are logged in Lambda's format with the virtual time, and basicConfig changes nothing."""

    def handler(_event: Any, _context: Any) -> None:
        logging.basicConfig(level=logging.DEBUG)
        time.sleep(0.25)
        logger.info("not shown")
        logger.warning("shown")

    with VirtualTime(timeline) as virtual_time:
        result = timeline.stage(virtual_time).call(InlineWorker(handler, virtual_time, log="all"))
    assert result.log.splitlines()[1] == "[WARNING]\t2026-01-05T02:00:00.250Z\tr-1\tshown"


def test_a_log_is_bounded(timeline: Any) -> None:
    """Of endless output the end is kept."""

    def handler(_event: Any, _context: Any) -> None:
        for number in range(200_000):
            print(f"line {number:06d}")

    with VirtualTime(timeline) as virtual_time:
        result = timeline.stage(virtual_time).call(InlineWorker(handler, virtual_time, log="all"))
    assert len(result.log) <= 2 * LOG_CHARS_MAX + 500
    assert "line 199999\nEND" in result.log
