"""Reads a file in a process of its own: a library that damage ends, or keeps busy for ever, ends that one alone."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import TypeVar

from marlin_edit.errors import MarlinEditError

_Result = TypeVar("_Result")
_SECONDS, _SECONDS_A_MB = 8, 4
_MOST_MEMORY = 1_500_000_000
_CHILD = f"""
import pickle, sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_DATA, ({_MOST_MEMORY}, {_MOST_MEMORY}))
except (ImportError, ValueError, OSError):
    pass
import logging
logging.disable()
from marlin_edit.errors import MarlinEditError
function, content, more = pickle.load(sys.stdin.buffer)
try:
    answer = function(content, *more)
except MarlinEditError as error:
    answer = error
sys.stdout.buffer.write(pickle.dumps(answer))
"""


def in_own_process(function: Callable[..., _Result], called: str, content: bytes, *more: object) -> _Result:
    """What `function(content, *more)` returns or raises, called in another process.

    Args:
        function: A function of a module, which another process can import.
        called: What the file should be, like `an AAF`.
        content: The file.
        more: Further arguments, which can be pickled.

    Raises:
        MarlinEditError: The function raised it, or its process ended, ran too long or needed too much memory.
    """
    seconds = _SECONDS + _SECONDS_A_MB * len(content) // 1_000_000
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        ran = subprocess.run(
            [sys.executable, "-c", _CHILD],
            input=pickle.dumps((function, content, more)),
            capture_output=True,
            env=environment,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise MarlinEditError(f"This is not {called}: its reader did not end in {seconds} s.") from error
    if ran.returncode < 0:
        raise MarlinEditError(f"This is not {called}: it ends its reader (signal {-ran.returncode}).")
    if ran.returncode > 0:
        lines = ran.stderr.decode(errors="replace").strip().splitlines()
        raise MarlinEditError(f"This is not {called}: {lines[-1] if lines else 'its reader gave up'}")
    answer = pickle.loads(ran.stdout)
    if isinstance(answer, MarlinEditError):
        raise answer
    result: _Result = answer
    return result
