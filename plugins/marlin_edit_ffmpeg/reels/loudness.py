"""What a stream of sound is like, to be compared with what was made of it: its loudness on both sides of every join,
and, where nothing may be lost, a checksum of all samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

_BLOCKS = 50  # a second
_NEAR = 25
_SLACK = 0.01
"""Of full scale: what an encoder may add to silence."""


class Likeness:
    """Takes samples as they come; only blocks of 20 ms within half a second of a join are kept. joins: samples at which
    pieces begin."""

    def __init__(self, rate: int, joins: Sequence[int], lossless: bool) -> None:
        self.count = 0
        self._lossless = lossless
        self._loud: dict[int, float] = {}
        self._digest = blake2b()
        self._block = rate // _BLOCKS
        near = (join // self._block + step for join in joins for step in range(-_NEAR, _NEAR))
        self._wanted = frozenset(block for block in near if block >= 0)
        self._rest: Any = None

    def add(self, samples: Any) -> None:
        """The next samples, one row a channel."""
        import numpy as np

        self._digest.update(np.ascontiguousarray(samples.T).data)
        self.count += samples.shape[1]
        mono = _as_float(samples).mean(axis=0)
        if self._rest is not None:
            mono = np.concatenate([self._rest, mono])
        first, whole = (self.count - mono.shape[0]) // self._block, mono.shape[0] // self._block
        for at in range(whole):
            if first + at in self._wanted:
                self._loud[first + at] = float(np.abs(mono[at * self._block : (at + 1) * self._block]).mean())
        self._rest = mono[whole * self._block :]

    def difference(self, written: Likeness) -> str | None:
        """What differs in what was written, in words."""
        if self._lossless and (self.count, self._digest.digest()) != (written.count, written._digest.digest()):
            return "has other samples than its pieces"
        for block, loud in self._loud.items():
            near = [written._loud[at] for at in (block - 1, block, block + 1) if at in written._loud]
            if near and not min(near) / 2 - _SLACK <= loud <= max(near) * 2 + _SLACK:
                return f"sounds different from its pieces at {block / _BLOCKS:.2f} s"
        return None


def _as_float(samples: Any) -> Any:
    """Samples of any format as parts of full scale."""
    import numpy as np

    if samples.dtype.kind == "f":
        return samples.astype(np.float32)
    if samples.dtype == np.uint8:
        return samples.astype(np.float32) / 128 - 1
    return samples.astype(np.float32) / np.iinfo(samples.dtype).max
