"""What an expression refers to, read off jsonata2py's syntax tree: variables, and names of an input document."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, NamedTuple

from jsonata2py.parser import ast_nodes as tree

_OWN_CONTEXT: dict[type, tuple[str, ...]] = {
    tree.PredicateExpr: ("predicate",),
    tree.ArraySubscript: ("index",),
    tree.SortExpr: ("keys",),
    tree.GroupByExpr: ("pairs",),
    tree.TransformExpr: ("pattern", "update", "delete"),
    tree.TransformLambda: ("pattern", "update", "delete"),
}
"""The parts that are evaluated against what the rest of the expression gives, not against the document."""

_CALLED = (tree.FunctionCall, tree.PartialApplication)
_BINDING = (tree.VariableBinding, tree.PositionBinding, tree.ContextBinding)
_UNCOUNTED = (tree.Parenthesized, tree.KeyValuePair, tree.SortKey)


class References(NamedTuple):
    """What an expression refers to, and how deep it is."""

    variables: dict[str, bool]
    """Variables and functions that it does not bind itself."""
    context: dict[str, bool]
    """Names at the top level; ``$`` for the document itself."""
    depth: int
    """Levels of expressions inside one another."""


def references(root: tree.AstNode) -> References:
    """Walk a tree as it was parsed, without recursion."""
    variables: dict[str, bool] = {}
    context: dict[str, bool] = {}
    bound: set[str] = set()
    deepest = 0
    waiting: list[tuple[Any, bool, int]] = [(root, True, 1)]
    while waiting:
        node, at_top, depth = waiting.pop()
        deepest = max(deepest, depth)
        if isinstance(node, tree.VariableRef) or (isinstance(node, _CALLED) and getattr(node, "is_variable", True)):
            variables[node.name] = True
        elif isinstance(node, _BINDING):
            bound.add(node.name if isinstance(node, tree.VariableBinding) else node.var_name)
        elif isinstance(node, tree.Lambda):
            bound.update(node.params)
        if isinstance(node, tree.RootRef):
            context["$"] = True
        elif at_top:
            context.update(dict.fromkeys(_names(node), True))
        below = depth if isinstance(node, _UNCOUNTED) else depth + 1
        waiting.extend((part, at_top and inherits, below) for part, inherits in reversed(_parts(node)))
    return References({name: True for name in variables if name not in bound}, context, deepest)


def _names(node: Any) -> tuple[str, ...]:
    """What a node by itself reads of the document, where it is evaluated against the document."""
    if isinstance(node, tree.FieldRef):
        return (node.name,)
    whole = (tree.ContextRef, tree.WildcardStep, tree.DescendantStep, tree.ParentStep)
    return ("$",) if isinstance(node, whole) else ()


def _parts(node: Any) -> list[tuple[Any, bool]]:
    """The nodes inside a node, each with whether it is evaluated against what the node itself is."""
    if isinstance(node, tree.PathExpr):
        return [(step, index == 0) for index, step in enumerate(node.steps)]
    own = _OWN_CONTEXT.get(type(node), ())
    parts: list[tuple[Any, bool]] = []
    for field in fields(node):
        value = getattr(node, field.name)
        inside = value if isinstance(value, list) else [value]
        parts += [(part, field.name not in own) for part in inside if hasattr(part, "__dataclass_fields__")]
    return parts
