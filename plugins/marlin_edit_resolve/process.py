"""Talks to Resolve in a process of its own, so that a crash of its native library, or a hang, takes nothing else along.

The request and the response are files, because the library may write anything to stdout.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path

from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import Receipt
from marlin_edit_resolve.connection import Attempt, connected
from marlin_edit_resolve.request import Request

_BEGIN = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from marlin_edit_resolve.process import main; main(sys.argv[2], sys.argv[3])"
)
PING_SECONDS = 60
DELIVERY_SECONDS = 1800


@dataclass(frozen=True)
class Response:
    """The result. attempt: None where the process ended while it opened Resolve.

    reached: Resolve's product and version (`DaVinci Resolve Studio 21.0.0`), empty where it was not. project: the open
    one's name. receipt: what was delivered. failed: why there is no receipt though Resolve was reached.
    crash: how the process ended, where it did not end by itself.
    """

    attempt: Attempt | None = None
    reached: str = ""
    project: str = ""
    receipt: Receipt | None = None
    failed: str = ""
    crash: str = ""


def ping() -> Response:
    """Whether Resolve can be reached."""
    return _ask(None, Request(), PING_SECONDS)


def deliver(edit: Edit, request: Request) -> Response:
    """Delivers an edit to the project that is open."""
    return _ask(edit, request, DELIVERY_SECONDS)


def _ask(edit: Edit | None, request: Request, seconds: int) -> Response:
    with tempfile.TemporaryDirectory(prefix="marlin-edit-") as temporary:
        asked, answered = Path(temporary, "request"), Path(temporary, "response")
        asked.write_bytes(pickle.dumps((edit, request)))
        crash = ""
        try:
            done = subprocess.run(
                [sys.executable, "-c", _BEGIN, json.dumps(sys.path), str(asked), str(answered)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            crash = f"no answer for {seconds} s; is there a question on Resolve's screen?"
        else:
            if done.returncode != 0:
                said = done.stderr.decode("utf-8", "replace").strip().splitlines()
                crash = f"its process ended with {done.returncode}" + (f": {said[-1][:300]}" if said else "")
        try:
            answer = pickle.loads(answered.read_bytes())
        except FileNotFoundError:
            return Response(crash=crash or "its process ended without an answer")
        assert isinstance(answer, Response)
        # With a whole answer there, a crash of the library at the process's end has harmed nothing.
        if answer.reached and answer.receipt is None and not answer.failed and edit is not None:
            return Response(answer.attempt, answer.reached, answer.project, None, crash or "it ended in the middle")
        return answer


def main(request_file: str, response_file: str) -> None:
    """The other process: opens Resolve, delivers, and answers; each step leaves what is known by then."""
    edit, request = pickle.loads(Path(request_file).read_bytes())
    target = Path(response_file)
    resolve, attempt = connected()
    if resolve is None:
        _answer(target, Response(attempt))
        return
    reached = f"{resolve.GetProductName()} {resolve.GetVersionString()}"
    _answer(target, Response(attempt, reached))
    project = resolve.GetProjectManager().GetCurrentProject()
    name = project.GetName() if project is not None else ""
    _answer(target, Response(attempt, reached, name))
    if edit is None:
        return
    from marlin_edit_resolve.apply import delivered

    try:
        receipt = delivered(resolve, edit, request)
    except MarlinEditError as error:
        _answer(target, Response(attempt, reached, name, failed=str(error)))
    except Exception as error:
        traceback.print_exc()
        _answer(target, Response(attempt, reached, name, failed=f"{type(error).__name__}: {error}"))
    else:
        _answer(target, Response(attempt, reached, name, receipt))


def _answer(target: Path, response: Response) -> None:
    """Whole or not at all, as the process may end at any call of the library."""
    beside = target.with_suffix(".part")
    beside.write_bytes(pickle.dumps(response))
    beside.replace(target)
