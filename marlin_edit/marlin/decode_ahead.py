"""Decodes windows on a thread, a few groups of frames ahead of the model."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from torch import Tensor

from marlin_edit.marlin.frames import WindowFrames
from marlin_edit.timebase import Span

_GROUPS_AHEAD = 4


@dataclass(frozen=True)
class Group:
    """Some pairs of frames: patches, their grid, and the times of each pair's frames in the source.

    source: what they come from. Once all groups of a window were taken, it knows what was damaged.
    """

    rows: Tensor
    grid: tuple[int, int, int]
    pairs: Sequence[tuple[Fraction, Fraction]]
    source: WindowFrames


@dataclass
class DecodeAhead:
    """Decodes the windows one after another on a thread, a few groups further than they are taken.

    prepared: a window's frames, group by group."""

    prepared: Callable[[Span], Iterator[Group]]
    spans: Sequence[Span]
    _queue: queue.Queue[Group | BaseException | None] = field(default_factory=lambda: queue.Queue(_GROUPS_AHEAD))
    _stopped: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> DecodeAhead:
        self._thread = threading.Thread(target=self._work, name="decode-ahead", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def groups(self) -> Iterator[Group]:
        """The next window's groups. What went wrong on the thread is raised here."""
        while True:
            item = self._queue.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def _work(self) -> None:
        try:
            for span in self.spans:
                for group in self.prepared(span):
                    if not self._put(group):
                        return
                if not self._put(None):
                    return
        except BaseException as error:
            self._put(error)

    def _put(self, item: Group | BaseException | None) -> bool:
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=0.05)
                return True
            except queue.Full:
                continue
        return False
