"""Every reader of strangers' files reads its corpus, and what damage makes of it, or says what is wrong with it.

`make fuzz` looks for more, led by what code it reaches; what it finds is put into the corpus.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.damage import damaged
from tests.fuzz.readers import CORPUS, Reader, readers

READERS = readers()


@st.composite
def files(draw: st.DrawFn, reader: Reader) -> bytes:
    """A file of the corpus with other values in it, with bytes that do not belong there, or cut short."""
    content = draw(st.sampled_from(reader.corpus()))
    chance = draw(st.randoms(use_true_random=False))
    for _ in range(draw(st.integers(1, 3))):
        content = damaged(content, chance)
    place = draw(st.integers(0, len(content)))
    content = content[:place] + draw(st.just(b"") | st.binary(max_size=3)) + content[place:]
    return content[: draw(st.none() | st.integers(0, len(content)))]


@pytest.mark.parametrize("name", READERS)
def test_a_reader_reads_its_corpus(name: str) -> None:
    corpus = READERS[name].corpus()
    assert corpus, f"put a file of its kind into {CORPUS / name}"
    assert any(list(map(READERS[name].read, corpus))), "at least one file of its kind is read"


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_a_damaged_file_is_read_or_refused(name: str, data: st.DataObject) -> None:
    READERS[name].read(data.draw(files(READERS[name])))


def test_every_directory_of_the_corpus_is_a_reader_s() -> None:
    assert {path.name for path in CORPUS.iterdir()} <= set(READERS)
