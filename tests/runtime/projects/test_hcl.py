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


@pytest.mark.parametrize(
    "text",
    [
        'resource "a" "b" {\n  name = ;\n}\n',
        '# one\nlocals {\n  a = "x-${1 + ;}"\n}\n',
        'locals {\n  a = "x-${"y${~ upper(;) ~}"}"\n}\n',
        "locals {\n  a = <<EOF\n  {}\n  ${1 + ;}\nEOF\n}\n",
        "locals {\n  a = <<-EOF\n    {}\n\n      %{ if 1 + ; }a%{ endif }\n  EOF\n}\n",
        "locals {\n  a = <<-EOF\n    {}\n      %{ for x in ; }a%{ endfor }\n  EOF\n}\n",
        'locals {\n  a = "b %{ ;loop }"\n}\n',
    ],
)
def test_what_is_no_hcl_is_told_where(text: str) -> None:
    """Not the end of the file, but the place, in a text as elsewhere."""
    with pytest.raises(HclError) as raised:
        parse_file(text)
    assert raised.value.offset == text.index(";")


def test_a_letter_without_a_number_is_told_where() -> None:
    """It may not be taken for another."""
    text = 'a = "b \\u00G0"\n'
    with pytest.raises(HclError, match=r"\\u takes the number of a letter") as raised:
        parse_file(text)
    assert raised.value.offset == text.index("\\")
