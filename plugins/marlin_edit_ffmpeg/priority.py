"""Keeps encoders from raising the priority of the program that they work for."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

_USUAL = os.sched_getscheduler(0) if sys.platform == "linux" else None


def keep_usual_priority() -> None:
    """To be called when an encoder has been opened. SVT-AV1, where root runs it, takes the highest real-time priority
    for its threads and for the one that opened it. All that is started later inherits that, and can stop a computer.
    """
    if sys.platform != "linux":
        return
    for thread in os.listdir("/proc/self/task"):
        with suppress(OSError):  # it may have ended meanwhile
            if os.sched_getscheduler(int(thread)) != _USUAL:
                os.sched_setscheduler(int(thread), _USUAL or 0, os.sched_param(0))
