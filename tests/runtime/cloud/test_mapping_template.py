"""Mapping templates: references, as Velocity and Java print them."""

from __future__ import annotations

import pytest

from stepsim.runtime.cloud.mapping_template import TemplateError, TemplateInput, render

GIVEN = TemplateInput(
    '{"pet": {"name": "Rex\'s", "tags": ["a", "b"]}, "n": 1.0}',
    {"id": "7"},
    {"q": "x y"},
    {"X-A": "h"},
    {"stage": "dev", "identity": {"sourceIp": "127.0.0.1"}},
    {"table": "pets"},
)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("$input.json('$.pet.tags')", '["a","b"]'),
        ("$input.path('$.pet.name')", "Rex's"),
        ("$input.path('$').pet.tags", "[a, b]"),
        ("$input.path('$.pet').get('name')!", "Rex's!"),
        ("$input.params('id')/$input.params('q')/$input.params('X-A')", "7/x y/h"),
        ("$input.params().path", "{id=7}"),
        ("$input.params('none')$input.path('$.none')$nothing.at.all", ""),
        ("${context.stage}-$context.identity.sourceIp.", "dev-127.0.0.1."),
        ("$!stageVariables.table", "pets"),
        ("$util.escapeJavaScript($input.path('$.pet.name'))", "Rex\\'s"),
        ("$util.urlEncode($input.params('q'))", "x+y"),
        ("$util.base64Encode('a')$util.base64Decode('YQ==')", "YQ==a"),
        ("$util.parseJson('{\"a\": 1}').a", "1"),
        ("costs 5$ ## a comment\nand more", "costs 5$ and more"),
        ('{"statusCode": 200}', '{"statusCode": 200}'),
    ],
)
def test_references(template: str, text: str) -> None:
    """What is not there prints as nothing."""
    assert render(template, GIVEN) == text


@pytest.mark.parametrize(
    "template",
    ["#set($x = 1)", "#if(true)a#end", "$input.nope()", "$input.json(*)", "${context.stage", "$input.json('$[')"],
)
def test_what_is_not_supported_is_named(template: str) -> None:
    """Directives above all."""
    with pytest.raises(TemplateError, match="mapping template"):
        render(template, GIVEN)
