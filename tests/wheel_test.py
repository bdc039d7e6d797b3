"""Builds the wheel, and runs the main job from nothing but the wheel and its dependencies.

Not collected by pytest: `make wheel-test`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = (ROOT, ROOT / "exporters", ROOT / "plugins")
RUN = "import sys; sys.path[:0] = sys.argv[1:3]; del sys.argv[1:3]; from marlin_edit.cli import main; main()"


def expected_files() -> set[str]:
    """Every file of the three source roots' packages that belongs in the wheel."""
    expected = set()
    for source in SOURCES:
        for package in source.glob("marlin_edit*"):
            for path in package.rglob("*"):
                if path.is_file() and "__pycache__" not in path.parts and not path.parent.name.endswith(".egg-info"):
                    expected.add(path.relative_to(source).as_posix())
    return expected


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(folder), str(ROOT)], check=True
        )
        (wheel,) = folder.glob("marlin_edit-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            names = set(archive.namelist())
            archive.extractall(folder / "site")
        missing = sorted(expected_files() - names)
        assert not missing, f"not in the wheel: {missing}"
        strays = sorted(name for name in names if not name.startswith("marlin_edit"))
        assert not strays, f"in the wheel, but not ours: {strays}"
        size = wheel.stat().st_size
        assert size < 12_000_000, f"the wheel has {size} bytes"

        # Without the store: what is built here has to answer, not what an earlier build has answered.
        variables = {**os.environ, "MARLIN_EDIT_STORE": "no"}

        # -S leaves out .pth files, and with them the editable install; the dependencies come from its folder.
        def run(*arguments: str) -> str:
            command = [sys.executable, "-I", "-S", "-c", RUN, str(folder / "site"), sysconfig.get_path("purelib")]
            done = subprocess.run([*command, *arguments], capture_output=True, text=True, cwd=folder, env=variables)
            assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
            return done.stdout

        assert ".edl" in run("formats")
        run("demo", "--out-dir", str(folder / "demo"))
        made = {path.suffix for path in (folder / "demo").rglob("*") if path.is_file()}
        assert {".mp4", ".srt", ".vtt", ".otio", ".edl", ".json", ".html"} <= made, made
        print(f"wheel test: {wheel.name}, {len(names)} files, {size / 1e6:.1f} MB, demo made {', '.join(sorted(made))}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
