"""An animated picture of the session in README.md, `docs/terminal.svg`: run this file to write it.

Its lines appear one after the other, and it begins again after a pause. Viewers without animations show the whole.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "terminal.svg"
COMMANDS = 2
_COLUMNS, _LINE, _LETTER, _MARGIN = 116, 18, 7.83, 16
_TYPING, _READING, _PAUSE = 0.03, 2.5, 4.0
_STYLE = """
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #d5d9e0;
  white-space: pre; }
.command { fill: #ffffff; font-weight: bold; }
.found { fill: #7ee787; }
.lacking { fill: #e3b341; }
.faint { fill: #8b949e; }
"""


def lines_of(readme: str) -> list[str]:
    """The first commands of the session with what they print."""
    session = re.search(r"<!-- session -->\n```console\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    assert session is not None
    parts = re.split(r"^(?=\$ )", session[1], flags=re.MULTILINE)[1 : COMMANDS + 1]
    return "".join(parts).rstrip().split("\n")


def picture(readme: str) -> str:
    """The picture as SVG."""
    folded = [part for line in lines_of(readme) for part in _folded(line)]
    shown, now = [], 0.5
    for place, line in enumerate(folded):
        typed = line.startswith(("$ ", "> "))
        if line.startswith("$ ") and place:
            now += _READING
        shown.append((line, now))
        now += len(line) * _TYPING if typed else 0.08
    whole = now + _PAUSE
    width, height = round(_COLUMNS * _LETTER + 2 * _MARGIN), len(folded) * _LINE + 2 * _MARGIN
    rules = [
        f"@keyframes l{number} {{ 0%, {100 * begins / whole:.2f}% {{ opacity: 0; }} "
        f"{100 * begins / whole + 0.01:.2f}%, 100% {{ opacity: 1; }} }}\n"
        f"#l{number} {{ animation: l{number} {whole:.1f}s infinite; }}"
        for number, (_, begins) in enumerate(shown)
    ]
    texts = [
        f'<text id="l{number}" class="{_class(line)}" x="{_MARGIN}" y="{_MARGIN + number * _LINE + 13}">'
        f"{html.escape(line)}</text>"
        for number, (line, _) in enumerate(shown)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" aria-label="A session: marlin-edit find and cut, and what they print">\n'
        f"<style>{_STYLE}@media (prefers-reduced-motion: no-preference) {{\n" + "\n".join(rules) + "\n}</style>\n"
        '<rect width="100%" height="100%" rx="8" fill="#0d1117"/>\n' + "\n".join(texts) + "\n</svg>\n"
    )


def _class(line: str) -> str:
    if line.startswith(("$ ", "> ")):
        return "command"
    if re.match(r'".*": \d+ found', line) or line.startswith("wrote "):
        return "found"
    if re.match(r'".*": not found', line):
        return "lacking"
    return "faint" if line.startswith(("demo ", "note: ", "All ")) else ""


def _folded(line: str) -> list[str]:
    """A line in as many as the window needs; a command goes on after `>`."""
    parts = []
    room, following = _COLUMNS, "> " if line.startswith("$ ") else "    "
    while len(line) > room:
        cut = line.rfind(" ", 0, room)
        cut = room if cut <= len(following) else cut
        parts.append(line[:cut])
        line = following + line[cut:].lstrip()
    return [*parts, line]


def main() -> None:
    """Write the picture."""
    PICTURE.write_text(picture((ROOT / "README.md").read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
