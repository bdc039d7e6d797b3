"""Damage that a file survives as text: a value in it becomes another one, or a piece comes twice or not at all."""

from __future__ import annotations

import random
import re

_TOKEN = re.compile(rb'"[^"\n]{0,200}"|[0-9][0-9.,:;/e+-]*|<[^<>]{1,200}>|[A-Za-z_]\w*|\[|\{|\r?\n')
ODD = (
    *(b"0", b"-1", b"0.0", b"1e999999999", b"-1e308", b"9" * 25, b"9" * 500, b"NaN", b"Infinity", b"1/0", b"0x10"),
    *(b"null", b"true", b"[]", b"{}", b"[[]]", b'""', b'"\\u0000"', b'"\\ud800"', b'"-1"', b'"1e999"', b'"."', b'".."'),
    *(b"00:00:00:00", b"99:99:99:99", b"00:00:01;02", b"-00:00:01.5", b"23:59:59,999", b"100000000:00:00.000", b"1e5s"),
    *(b"", b"\n", b"\r", b"\t", b"<", b">", b"</i>", b"<i>", b"&", b"&#0;", b"&#xD800;", b"]]>", b"{\\", b"--", b"-->"),
    *(
        "\N{RIGHT-TO-LEFT OVERRIDE}".encode(),
        "\ufeff".encode(),
        "\N{ARABIC-INDIC DIGIT FIVE}".encode(),
        b"\x00",
        b"\xff",
    ),
)


def damaged(content: bytes, chance: random.Random) -> bytes:
    """The content with one of its values, tags, words or line ends changed; unchanged where it has none."""
    tokens = [match.span() for match in _TOKEN.finditer(content)]
    if not tokens:
        return content
    first, last = chance.choice(tokens)
    again, until = chance.choice(tokens)
    other = content[again:until]
    longer = content[first : chance.choice(tokens)[1]]
    new = chance.choice((chance.choice(ODD), other, content[first:last] * 2, longer, longer * 2, b""))
    return content[:first] + new + content[last:]
