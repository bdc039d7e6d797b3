"""Gives the readers of strangers' files files that are damaged on purpose, led by what code they reach. Linux only.

    python tests/fuzz/run.py --seconds 120              # all readers together
    python tests/fuzz/run.py --each 120 srt vtt         # these, so many seconds each

A reader that raises anything but MarlinEditError, takes over ten seconds for a file, or more than 1.5 GB, has failed.
Its file is kept in `fuzz-findings/`; with the fault mended it goes to `tests/fuzz/corpus/READER/`, for the tests.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.fuzz.damage import damaged

MEMORY_MB = 1500
SECONDS_A_FILE = 10
LONGEST = 600_000
FINDINGS = Path("fuzz-findings")


def main() -> int:
    """Fuzz the readers; 1 where one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="READER")
    parser.add_argument("--seconds", type=int, default=120, help="for all readers together")
    parser.add_argument("--each", type=int, metavar="SECONDS", help="for each, in a process of its own")
    parser.add_argument("--seed", type=int, default=1, help="another one changes other files first (default 1)")
    parser.add_argument("--in-this-process", metavar="FOLDER", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.in_this_process:
        return _fuzz(given.names, given.seconds, given.in_this_process, given.seed)
    from tests.fuzz.readers import readers

    names = given.names or list(readers())
    groups = [[name] for name in names] if given.each else [names]
    FINDINGS.mkdir(exist_ok=True)
    failed = [group for group in groups if _failed(group, given.each or given.seconds, given.seed)]
    return 1 if failed else 0


def _failed(names: Sequence[str], seconds: int, seed: int) -> bool:
    """Fuzzes some readers in a process of its own: what ends it ends nothing else."""
    from tests.fuzz.readers import readers

    found = readers()
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            for number, content in enumerate(found[name].corpus()):
                Path(folder, f"{name}-{number}").write_bytes(name.encode() + b"\n" + content)
        ran = subprocess.run(
            [
                sys.executable,
                __file__,
                "--in-this-process",
                folder,
                "--seconds",
                str(seconds),
                "--seed",
                str(seed),
                *names,
            ],
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
    runs = [line for line in ran.stderr.splitlines() if line.startswith("Done")]
    said = runs[-1] if runs and not ran.returncode else f"found a fault:\n{ran.stderr[-4000:]}"
    print(f"{names[0] if len(names) == 1 else f'{len(names)} readers'}: {said}", flush=True)
    return ran.returncode != 0


def _fuzz(names: Sequence[str], seconds: int, folder: str, seed: int) -> int:
    """A file's first line is the reader that gets the rest."""
    import atheris

    with atheris.instrument_imports(include=["marlin_edit", "marlin_edit_exporters"]):
        from tests.fuzz.readers import readers

        reading = {name.encode(): reader for name, reader in readers().items() if name in names}
        for reader in reading.values():
            for content in reader.corpus():
                reader.read(content)  # imports what it needs, instrumented

    def read(content: bytes) -> None:
        name, _, rest = content.partition(b"\n")
        if name in reading:
            reading[name].read(rest)

    def changed(content: bytes, longest: int, number: int) -> bytes:
        """Half of the changes are libFuzzer's own, of bytes; the others leave a text that can still be read."""
        name, _, rest = content.partition(b"\n")
        chance = random.Random(number)
        if name not in reading:
            name = chance.choice(list(reading))
        if chance.random() < 0.5:
            rest = bytes(atheris.Mutate(rest, longest - len(name) - 1))
        else:
            for _ in range(chance.randint(1, 3)):
                rest = damaged(rest, chance)
        return (name + b"\n" + rest)[:longest]

    options = {
        "max_total_time": seconds,
        "seed": seed,
        "timeout": SECONDS_A_FILE,
        "rss_limit_mb": MEMORY_MB,
        "max_len": LONGEST,
        "artifact_prefix": f"{FINDINGS}/",
    }
    arguments = [sys.argv[0], *(f"-{name}={value}" for name, value in options.items()), folder]
    atheris.Setup(arguments, read, custom_mutator=changed)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
