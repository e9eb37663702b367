"""HCL, Terraform's language, read as far as state machines need it: a file's blocks and their attributes.

python-hcl2 was tried: it gives expressions back as texts that have to be parsed anew, and takes more than a second for
a screenful.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from stepsim.runtime.projects.hcl_expressions import ExpressionReader
from stepsim.runtime.projects.hcl_tokens import HEREDOC, string_end
from stepsim.runtime.projects.hcl_values import Expr


@dataclass(slots=True)
class Attribute:
    """``name = expression``."""

    expr: Expr
    offset: int
    text_offset: int | None = None
    """Where the first line of a heredoc begins."""


@dataclass(slots=True)
class Block:
    """``type "label" { … }``, and the file itself."""

    type: str
    labels: tuple[str, ...]
    offset: int
    attributes: dict[str, Attribute] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)


def parse_file(text: str) -> Block:
    """The blocks of a file. Raises HclError."""
    reader = _BodyReader(text)
    root = Block("", (), 0)
    reader.body(root, None)
    return root


class _BodyReader(ExpressionReader):
    """Reads what stands in a file, or between a block's braces."""

    def body(self, block: Block, end: str | None) -> None:
        """Add what comes next to a block, up to its end: a brace, or None for that of the text."""
        while True:
            self.skip()
            if end is None and self.at >= len(self.text):
                return
            if end is not None and self.take(end):
                return
            offset = self.at
            name = self.name()
            if name is None:
                self.fail("a name expected")
            if self.peek("=") and not self.peek("=="):
                self.at += 1
                self.skip()
                heredoc = HEREDOC.match(self.text, self.at)
                block.attributes[name] = Attribute(self.expression(), offset, heredoc and heredoc.end())
                continue
            inner = Block(name, self._labels(), offset)
            self.body(inner, "}")
            block.blocks.append(inner)

    def _labels(self) -> tuple[str, ...]:
        labels = []
        while not self.take("{"):
            if self.peek('"'):
                end = string_end(self.text, self.at)
                labels.append(self.text[self.at + 1 : end - 1])
                self.at = end
            else:
                name = self.name()
                if name is None:
                    self.fail("a block's label or '{' expected")
                labels.append(name)
        return tuple(labels)
