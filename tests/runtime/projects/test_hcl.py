"""HCL's blocks and attributes."""

from __future__ import annotations

import pytest

from stepsim.runtime.projects.hcl import parse_file
from stepsim.runtime.projects.hcl_tokens import HclError


def test_a_file_is_blocks_in_blocks() -> None:
    """With their labels and attributes; comments are nothing."""
    root = parse_file(
        '# one\nresource "a" "b" {\n  inner { x = 1 } // two\n  y = 2\n}\n/* three */\nlocals { z = 3 }\n'
    )
    [resource, values] = root.blocks
    assert (resource.type, resource.labels, [*resource.attributes]) == ("resource", ("a", "b"), ["y"])
    assert [(one.type, [*one.attributes]) for one in resource.blocks] == [("inner", ["x"])]
    assert (values.type, values.labels, [*values.attributes]) == ("locals", (), ["z"])


def test_what_is_no_hcl_is_told_where() -> None:
    """Not the end of the file, but the place."""
    with pytest.raises(HclError) as raised:
        parse_file('resource "a" "b" {\n  name = \n}\n')
    assert raised.value.offset == len('resource "a" "b" {\n  name = \n')
