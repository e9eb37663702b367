"""JSONata's own texts for its error codes, which AWS quotes; jsonata2py has words of its own.

Texts that name a value or a function do so as far as jsonata2py says which one it was.
"""

from __future__ import annotations

import re

_TEXTS = {
    "D1001": "Number out of range: null",
    "D2014": "The size of the sequence allocated by the range operator (..) must not exceed 1e7.",
    "D3010": "Second argument of replace function cannot be an empty string",
    "D3011": "Fourth argument of replace function must evaluate to a positive number",
    "D3012": "Attempted to replace a matched string with a non-string value",
    "D3020": "Third argument of split function must evaluate to a positive number",
    "D3050": "The second argument of reduce function must be a function with at least two arguments",
    "D3070": "The single argument form of the sort function can only be applied to an array of strings or an array of "
    "numbers.  Use the second argument to specify a comparison function",
    "D3080": "The picture string must only contain a maximum of two sub-pictures",
    "D3081": "The sub-picture must not contain more than one instance of the 'decimal-separator' character",
    "D3082": "The sub-picture must not contain more than one instance of the 'percent' character",
    "D3083": "The sub-picture must not contain more than one instance of the 'per-mille' character",
    "D3084": "The sub-picture must not contain both a 'percent' and a 'per-mille' character",
    "D3085": "The mantissa part of a sub-picture must contain at least one character that is either an 'optional digit "
    "character' or a member of the 'decimal digit family'",
    "D3086": "The sub-picture must not contain a passive character that is preceded by an active character and that is "
    "followed by another active character",
    "D3087": "The sub-picture must not contain a 'grouping-separator' character that appears adjacent to a "
    "'decimal-separator' character",
    "D3088": "The sub-picture must not contain a 'grouping-separator' at the end of the integer part",
    "D3089": "The sub-picture must not contain two adjacent instances of the 'grouping-separator' character",
    "D3090": "The integer part of the sub-picture must not contain a member of the 'decimal digit family' that is "
    "followed by an instance of the 'optional digit character'",
    "D3091": "The fractional part of the sub-picture must not contain an instance of the 'optional digit character' "
    "that is followed by a member of the 'decimal digit family'",
    "D3092": "A sub-picture that contains a 'percent' or 'per-mille' character must not contain a character treated as "
    "an 'exponent-separator'",
    "D3093": "The exponent part of the sub-picture must comprise only of one or more characters that are members of "
    "the 'decimal digit family'",
    "D3131": "In a decimal digit pattern, all digits must be from the same decimal group",
    "D3134": "The timezone integer format specifier cannot have more than four digits",
    "D3135": "No matching closing bracket ']' in date/time picture string",
    "D3136": "The date/time picture string is missing specifiers required to parse the timestamp",
    "D3138": "The $single() function expected exactly 1 matching result.  Instead it matched more.",
    "D3139": "The $single() function expected exactly 1 matching result.  Instead it matched 0.",
    "S0101": "String literal must be terminated by a matching quote",
    "S0104": "The escape sequence \\u must be followed by 4 hex digits",
    "S0105": "Quoted property name must be terminated with a backquote (`)",
    "S0106": "Comment has no closing tag",
    "S0207": "Unexpected end of expression",
    "S0209": "A predicate cannot follow a grouping expression in a step",
    "S0210": "Each step can only have one grouping expression",
    "S0212": "The left side of := must be a variable name (start with $)",
    "S0215": "A context variable binding must precede any predicates on a step",
    "S0216": "A context variable binding must precede the 'order-by' clause on a step",
    "S0217": "The object representing the 'parent' cannot be derived from this expression",
    "S0302": "No terminating / in regular expression",
    "S0401": "Type parameters can only be applied to functions and arrays",
    "S0402": "Choice groups containing parameterized types are not supported",
    "T1006": "Attempted to invoke a non-function",
    "T1008": "Attempted to partially apply a non-function",
    "T2003": "The left side of the range operator (..) must evaluate to an integer",
    "T2004": "The right side of the range operator (..) must evaluate to an integer",
    "T2006": "The right side of the function application operator ~> must be a function",
    "T2008": "The expressions within an order-by clause must evaluate to numeric or string values",
}

_PLACE = re.compile(r" \(position \d+\)$")
_TOKENS = {
    "RBRACKET": "]", "RPAREN": ")", "RBRACE": "}", "COLON": ":", "COMMA": ",", "LBRACE": "{", "LPAREN": "(",
    "LBRACKET": "[", "SEMICOLON": ";", "DOT": ".",
}  # fmt: skip
_NAMED = re.compile(rf"\b({'|'.join(_TOKENS)})\b")
_REWORDED: dict[str, tuple[tuple[re.Pattern[str], str], ...]] = {
    "D3030": (
        (re.compile(r"^\$number: unable to cast value to a number: (.*)"), r'Unable to cast value to a number: "\1"'),
    ),
    "D3110": (
        (
            re.compile(r"^\$toMillis: invalid ISO 8601 timestamp: (.*)"),
            r'The argument of the toMillis function must be an ISO 8601 formatted timestamp. Given "\1"',
        ),
    ),
    "S0202": ((re.compile(r"^Expected (\S+) but found (\S+).*"), r'Expected "\1", got "\2"'),),
    "S0203": ((re.compile(r"^Expected (\S+) but reached end"), r'Expected "\1" before end'),),
    "T0412": ((re.compile(r"array of (\w+)$"), r'array of "\1"'),),
    "T2001": ((re.compile(r"of the (\S+) operator"), r'of the "\1" operator'),),
    "T2002": ((re.compile(r"of the (\S+) operator"), r'of the "\1" operator'),),
}
"""What jsonata2py tells -> what JSONata tells, where that is a matter of quotes."""


def message(code: str, told: str) -> str:
    """The text of a code; what jsonata2py told, without its position, where it is not known."""
    if code in _TEXTS:
        return _TEXTS[code]
    told = _PLACE.sub("", told)
    for pattern, text in _REWORDED.get(code, ()):
        told = pattern.sub(text, _NAMED.sub(lambda token: _TOKENS[token[1]], told))
    return told
