"""The names of golden histories' files."""

from __future__ import annotations

import pytest

from stepsim.runtime.pytest_plugin.goldens import file_name


@pytest.mark.parametrize(
    ("test", "file"),
    [
        ("test_it", "test_it"),
        ("TestOrders.test_it", "TestOrders.test_it"),
        ("test_it[granted]", "test_it-granted"),
        ("test_it[1-granted]", "test_it-1-granted"),
    ],
)
def test_a_file_is_named_as_its_test(test: str, file: str) -> None:
    """Parameters follow a hyphen."""
    assert file_name(test) == file


def test_names_that_would_become_the_same_are_told_apart() -> None:
    """What files had better not be named makes a name of its own."""
    names = ["test_it[a b]", "test_it[a_b]", "test_it[a/b]", "test_it[a]b]", f"test_it[{'x' * 200}]"]
    assert len({file_name(name) for name in names}) == len(names)
    assert all(len(file_name(name)) < 140 for name in names)
