"""Builds the wheel, and runs the main job from nothing but the wheel and its dependencies; then from the light ones.

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


def light(wheel: Path, folder: Path) -> float:
    """Installs the wheel without torch, works with it, and returns how many megabytes the packages have."""
    environment = folder / "light"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    program = environment / "bin" / "python"
    install = [str(program), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    subprocess.run([*install, "--require-hashes", "-r", str(ROOT / "requirements-light.lock")], check=True)
    subprocess.run([*install, "--no-deps", str(wheel)], check=True)
    (site,) = environment.glob("lib/python*/site-packages")
    files = [path for path in site.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    size = sum(path.stat().st_size for path in files if path.relative_to(site).parts[0] != "pip") / 1e6
    assert size <= 250, f"the light installation has {size:.0f} MB"

    def run(*arguments: str) -> str:
        command = [str(environment / "bin" / "marlin-edit"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder / "demo", check=False)
        assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stderr

    assert "torch" not in run("export", "shapes.json", "-o", "light.srt", "-o", "light.otio", "-o", "light.html")
    run("lint", "light.srt")
    run("cut", "shapes.mp4", "--span", "1-2", "--out-dir", "light")
    run("attach", "shapes.mp4", "light.srt", "-o", "light.mkv")
    return size


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
        megabytes = light(wheel, folder)
        print(f"light installation: {megabytes:.0f} MB")
        print(f"wheel test: {wheel.name}, {len(names)} files, {size / 1e6:.1f} MB, demo made {', '.join(sorted(made))}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
