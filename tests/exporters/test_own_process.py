"""A reader that damage ends, or keeps busy, ends a process of its own, and the person gets one sentence."""

from __future__ import annotations

import os
import signal
import time

import pytest

from marlin_edit.errors import MarlinEditError
from marlin_edit_exporters.timelines import own_process
from marlin_edit_exporters.timelines.own_process import in_own_process


def length(content: bytes, times: int) -> int:
    return len(content) * times


def refuses(content: bytes) -> None:
    raise MarlinEditError(f"{content.decode()} is no good.")


def crashes(content: bytes) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def goes_in_circles(content: bytes) -> None:
    time.sleep(60)


def fills_the_memory(content: bytes) -> int:
    return len(bytearray(3 * 10**9))


def has_a_fault(content: bytes) -> None:
    raise KeyError("a place")


def test_what_it_returns_and_raises_comes_back() -> None:
    assert in_own_process(length, "a list", b"abc", 2) == 6
    with pytest.raises(MarlinEditError, match=r"^this is no good\.$"):
        in_own_process(refuses, "a list", b"this")


@pytest.mark.parametrize(
    ("reader", "words"),
    [
        (crashes, "it ends its reader"),
        (goes_in_circles, "did not end in 1 s"),
        (fills_the_memory, "MemoryError"),
        (has_a_fault, "KeyError: 'a place'"),
    ],
)
def test_what_goes_wrong_in_it_is_one_sentence(reader: object, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_process, "_SECONDS", 1 if reader is goes_in_circles else 30)
    with pytest.raises(MarlinEditError, match=f"^This is not a list: .*{words}"):
        in_own_process(reader, "a list", b"abc")  # type: ignore[arg-type]
