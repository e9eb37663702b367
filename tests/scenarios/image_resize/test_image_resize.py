"""The image pipeline, at a size that tests can afford."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import Image

from stepsim.asl.parse import parse
from stepsim.asl.validate import validate
from stepsim.runtime.runner import Watch, simulate
from stepsim.runtime.scenario import load_scenario
from stepsim.workers.handler import HandlerReference

ROOT = Path(__file__).parents[3]
SCENARIO = ROOT / "scenarios" / "image_resize"
FEW = ("cloud.buckets.dogs.generate.count=60", "expect=[]")


def resized(*sets: str, save: Path | None = None) -> dict[str, Any]:
    """The report of 60 pictures."""
    return simulate(load_scenario(SCENARIO / "scenario.yaml", [*FEW, *sets]), Watch(save=save))


def test_the_definition_has_no_errors() -> None:
    """It says what the published one says; warnings are allowed."""
    path = ROOT / "definitions" / "image_resize" / "image_resize.asl.json"
    problems = validate(parse(path.read_text(), str(path)))
    assert [problem for problem in problems if problem.severity == "error"] == []


def test_every_picture_becomes_a_thumbnail(tmp_path: Path) -> None:
    """A JPEG of 128 by 128 pixels under the same key."""
    report = resized("input.batch_size=25", save=tmp_path)
    assert report["map_runs"]["ResizeAll"]["executionCounts"]["succeeded"] == 3
    thumbnails = sorted((tmp_path / "buckets" / "thumbnails" / "Images").iterdir())
    assert [path.name for path in thumbnails] == [f"{n:05d}.jpg" for n in range(60)]
    with Image.open(thumbnails[7]) as image:
        assert (image.size, image.format) == ((128, 128), "JPEG")


@pytest.mark.parametrize(("batch_size", "invocations"), [(10, 6), (7, 9), (100, 1)])
def test_a_batch_is_an_invocation(batch_size: int, invocations: int) -> None:
    """And the last batch has what is left."""
    report = resized(f"input.batch_size={batch_size}")
    assert report["functions"]["ImageProcessor"]["invocations"] == invocations
    assert report["calls"]["s3.PutObject"]["count"] == 60


def test_a_picture_takes_its_time_and_a_batch_the_sum() -> None:
    """Ten times the pictures take far less than ten times as long: the calls to S3 go on side by side."""
    small, large = (
        resized(f"input.batch_size={size}")["functions"]["ImageProcessor"]["duration_ms"]["mean"] for size in (6, 60)
    )
    assert 54 * 15 < large - small < 54 * 20


def test_a_broken_picture_is_left_out_and_half_of_them_end_the_process() -> None:
    """Lambda then says Runtime.ExitError."""
    broken = resized("cloud.buckets.dogs.generate.count=1000", 'cloud.buckets.dogs.generate.key="Images/{n:05d}.jpg"')
    assert broken["calls"]["s3.PutObject"]["count"] == 999
    failing = resized("faults=[{call: s3.GetObject, error: AccessDenied}]")
    assert failing["execution"]["error"] == "States.ExceedToleratedFailureThreshold"
    assert failing["functions"]["ImageProcessor"]["errors"] == {"Runtime.ExitError": 1}


def test_the_same_number_makes_the_same_picture() -> None:
    """And every picture is one, but each thousandth."""
    picture: Callable[[int, Random], bytes] = HandlerReference.parse("data:picture", SCENARIO).load()  # type: ignore[assignment]
    assert picture(3, Random(3)) == picture(3, Random(3))
    with Image.open(BytesIO(picture(3, Random(3)))) as image:
        image.load()
    with pytest.raises(OSError, match="truncated"), Image.open(BytesIO(picture(999, Random(3)))) as image:
        image.load()
