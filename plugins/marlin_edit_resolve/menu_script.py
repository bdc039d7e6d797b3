"""marlin-edit in Resolve's menu Workspace > Scripts: asks what to look for in the clip under the playhead.

It stands alone: Resolve runs it with a Python of its own choice, so nothing here imports marlin-edit, which is run as a
process. Markers come into the project by `--deliver resolve`. It wants Python 3.7 or later.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import Any

COMMAND = ["marlin-edit"]
TITLE = "marlin-edit"


class Clip:
    """The clip under the playhead: its file, and the frames of it that the timeline shows, where that is certain."""

    def __init__(self, path: str, first: int | None, stop: int | None) -> None:
        self.path = path
        self.first = first
        self.stop = stop


def main(names: dict[str, Any]) -> int:
    """Asks, runs, tells. names: what Resolve gives a script (`resolve`, `bmd`, `fusion`)."""
    resolve = names.get("resolve") or _from_app(names)
    if resolve is None:
        return _tell("This script runs in DaVinci Resolve Studio: Workspace > Scripts.")
    clip = clip_under_playhead(resolve)
    if clip is None:
        return _tell(
            "There is no clip with a file under the playhead. Move the playhead onto one and run the script again."
        )
    asked = _dialog(names, resolve, clip)
    if asked is None:
        return _tell("Nothing was asked. In a terminal:\n  " + shown(command(clip, "a door opens", False, True)))
    query, caption, whole = asked
    if not caption and not query.strip():
        return _tell("Nothing was asked.")
    return _run(command(clip, query, caption, whole))


def command(clip: Clip, query: str, caption: bool, whole: bool) -> list[str]:
    """The command line for a clip. caption: say what happens at all. whole: look at all of the clip's file."""
    line = [*COMMAND, *(["caption"] if caption else ["find", "--query", query]), "--deliver", "resolve"]
    if not whole and clip.stop is not None:
        line += ["--range", f"{clip.first}f-{clip.stop}f"]
    return [*line, "--", clip.path]


def shown(line: list[str]) -> str:
    """A command line for a person to copy."""
    if os.name == "nt":
        return subprocess.list2cmdline(line)
    return " ".join(shlex.quote(word) for word in line)


def clip_under_playhead(resolve: Any) -> Clip | None:
    """The clip under the playhead, or None."""
    project = resolve.GetProjectManager().GetCurrentProject()
    timeline: Any = project.GetCurrentTimeline() if project else None
    item: Any = timeline.GetCurrentVideoItem() if timeline else None
    of_pool: Any = item.GetMediaPoolItem() if item else None
    path = of_pool.GetClipProperty("File Path") if of_pool else None
    if not path:
        return None
    first = stop = None
    version = tuple(resolve.GetVersion()[:3])
    same_rate = _rate(timeline.GetSetting("timelineFrameRate")) == _rate(of_pool.GetClipProperty("FPS"))
    if same_rate and version >= (19, 0, 2):
        offset, count = item.GetLeftOffset(False), item.GetDuration(False)
    elif same_rate:
        offset, count = item.GetLeftOffset(), item.GetDuration()
    else:
        offset = count = None
    if offset is not None and version >= (19, 0, 2):
        begin, end = item.GetSourceStartFrame(), item.GetSourceEndFrame()
        if begin is not None and end is not None and abs(end - begin - count) > 1:
            offset = None  # it plays at another speed
    if isinstance(offset, (int, float)) and isinstance(count, (int, float)) and count >= 1:
        first, stop = int(offset), int(offset) + int(count)
    return Clip(path, first, stop)


def _rate(value: object) -> float | None:
    try:
        return round(float(str(value).split()[0]), 2)
    except (ValueError, IndexError):
        return None


def _from_app(names: dict[str, Any]) -> Any:
    app = names.get("app")
    return app.GetResolve() if app else None


def _dialog(names: dict[str, Any], resolve: Any, clip: Clip) -> tuple[str, bool, bool] | None:
    """What to look for, whether to say what happens at all, and whether in the whole file; None for nothing, and where
    there are no dialogs."""
    bmd = names.get("bmd")
    fusion = names.get("fusion") or names.get("fu") or resolve.Fusion()
    ui = getattr(fusion, "UIManager", None)
    if bmd is None or ui is None:
        return None
    dispatcher = bmd.UIDispatcher(ui)
    known = clip.stop is not None
    window = dispatcher.AddWindow(
        {"ID": "marlin", "WindowTitle": TITLE, "Geometry": [300, 300, 520, 190]},
        ui.VGroup(
            [
                ui.Label({"Text": "What happens in it? One visible action, like: a door opens", "Weight": 0}),
                ui.LineEdit({"ID": "query", "Weight": 0}),
                ui.CheckBox({"ID": "caption", "Text": "Describe what happens", "Weight": 0}),
                ui.CheckBox({"ID": "whole", "Text": "Look at the whole file", "Checked": not known, "Weight": 0}),
                ui.HGroup(
                    {"Weight": 0}, [ui.Button({"ID": "ok", "Text": "Look"}), ui.Button({"ID": "no", "Text": "Cancel"})]
                ),
            ]
        ),
    )
    items = window.GetItems()
    answer: list[tuple[str, bool, bool]] = []

    def accept(event: object) -> None:
        answer.append((items["query"].Text, bool(items["caption"].Checked), bool(items["whole"].Checked)))
        dispatcher.ExitLoop()

    def leave(event: object) -> None:
        dispatcher.ExitLoop()

    window.On.ok.Clicked = accept
    window.On.no.Clicked = leave
    window.On.marlin.Close = leave
    window.Show()
    dispatcher.RunLoop()
    window.Hide()
    return answer[0] if answer else None


def _run(line: list[str]) -> int:
    """Runs it, its words going to Resolve's console as they come; gives its exit code."""
    # What Resolve sets for its own Python would mislead another one.
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
    variables["PYTHONIOENCODING"] = "utf-8"
    _tell(shown(line))
    try:
        process = subprocess.Popen(
            line, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    except OSError as error:
        return _tell(f"{line[0]} cannot be run: {error}. Run `marlin-edit resolve install-script` again.")
    assert process.stdout is not None
    for said in process.stdout:
        _tell(said.decode("utf-8", "replace").rstrip())
    code = process.wait()
    _tell(f"{TITLE}: " + ("done" if code == 0 else f"ended with {code}"))
    return code


def _tell(text: str) -> int:
    print(text)
    sys.stdout.flush()
    return 1


if __name__ == "__main__":
    main(globals())
