"""Cutting through the command line: names, spans, signals and cost. What goes wrong leaves nothing half-made."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from marlin_edit.cli import main
from marlin_edit.errors import ExitCode
from tests.ffmpeg.test_clips import deliver
from tests.support.synthetic_video import frame_indices, make_audio, make_video

ODD_NAMES = (
    "-dash.mp4",
    "http:x.mp4",
    "concat:a|b.mp4",
    "two\nlines.mp4",
    "%03d.mp4",
    'it\'s "quoted".mp4',
    "\U0001f600.mp4",
)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_names_and_nothing_else(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_video(tmp_path / "plain.mp4", frames=30, size=(96, 64), gop=10).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert main(["cut", "--span", "3f-17f", "--out-dir", "clips", "--json", "--", name]) == ExitCode.DONE
    [item] = json.loads(capsys.readouterr().out)["items"]
    clip = Path(item["file"])
    assert clip.parent == Path("clips")
    assert os.listdir("clips") == [clip.name]
    assert [index for _, index in frame_indices(clip)] == list(range(3, 17))


@pytest.mark.parametrize(
    ("span", "code", "words"),
    [
        ("2-1", ExitCode.USAGE, "out point"),
        ("1-1", ExitCode.USAGE, "out point"),
        ("0-0", ExitCode.USAGE, "out point"),
        ("nan-2", ExitCode.USAGE, "not a time"),
        ("0-inf", ExitCode.USAGE, "not a time"),
        ("100-200", ExitCode.USAGE, "; the span begins at 100 s"),
    ],
)
def test_spans_that_cannot_be_are_refused(
    span: str, code: ExitCode, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = make_video(tmp_path / "film.mp4", frames=30, size=(96, 64))
    arguments = ["cut", str(source), "--span", span, "--out-dir", str(tmp_path / "clips")]
    assert main(arguments) == code
    assert words in capsys.readouterr().err
    assert not (tmp_path / "clips").exists()


def test_an_end_past_the_end_is_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = make_video(tmp_path / "film.mp4", frames=30, size=(96, 64), gop=10)
    assert main(["cut", str(source), "--span", "0.5-9", "--out-dir", str(tmp_path / "clips")]) == ExitCode.DONE
    assert "end" in capsys.readouterr().err
    [clip] = (tmp_path / "clips").iterdir()
    assert [index for _, index in frame_indices(clip)] == list(range(13, 30))


def test_a_playlist_in_disguise_is_not_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_video(tmp_path / "secret.mp4", frames=10, size=(96, 64))
    playlist = tmp_path / "film.mp4"
    playlist.write_text(f"#EXTM3U\n#EXTINF:1,\n{tmp_path / 'secret.mp4'}\n#EXT-X-ENDLIST\n")
    assert main(["cut", str(playlist), "--span", "0-1", "--out-dir", str(tmp_path / "clips")]) == ExitCode.FAILED
    assert "playlist" in capsys.readouterr().err
    assert not (tmp_path / "clips").exists()


@pytest.mark.parametrize("out_dir", [".", "sub/..", "sub/back", "links"])
def test_the_source_is_never_written_over_by_whatever_spelling(
    out_dir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = make_video(tmp_path / "film.mp4", frames=30, size=(96, 64)).read_bytes()
    (tmp_path / "sub").mkdir()
    (tmp_path / "links").mkdir()
    os.symlink(tmp_path, tmp_path / "sub" / "back")
    os.link(tmp_path / "film.mp4", tmp_path / "links" / "film.mp4")
    monkeypatch.chdir(tmp_path)
    arguments = ["cut", "film.mp4", "--span", "0-1", "--out-dir", out_dir, "--name", "{stem}", "--overwrite"]
    assert main(arguments) == ExitCode.USAGE
    assert "source itself" in capsys.readouterr().err
    assert (tmp_path / "film.mp4").read_bytes() == (tmp_path / "links" / "film.mp4").read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["film.mp4", "links", "sub"]


@pytest.fixture(scope="module")
def slow_to_cut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video that takes seconds to encode."""
    return make_video(tmp_path_factory.mktemp("film") / "film.mp4", frames=400, size=(1280, 720), gop=250)


def cutting(source: Path, out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "marlin_edit", "cut", str(source), "--span", "0-16", "--out-dir", str(out)]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    return subprocess.Popen(
        [*command, "--mode", "exact", "--crf", "1"], stderr=subprocess.PIPE, text=True, env=environment
    )


def names_in(folder: Path) -> list[str]:
    return sorted(os.listdir(folder)) if folder.exists() else []


def begun(running: subprocess.Popen[str], out: Path) -> None:
    """Waits until the clip is being written."""
    until = time.monotonic() + 60
    while time.monotonic() < until and running.poll() is None:
        if any((out / name).stat().st_size for name in names_in(out)):
            return
        time.sleep(0.01)
    raise AssertionError("the clip was not begun, or was ready too soon")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_cutting_leaves_nothing(number: signal.Signals, slow_to_cut: Path, tmp_path: Path) -> None:
    with cutting(slow_to_cut, tmp_path / "clips") as running:
        begun(running, tmp_path / "clips")
        running.send_signal(number)
        assert running.wait(60) == 128 + number
        assert running.stderr is not None
        assert "Traceback" not in running.stderr.read()
    assert names_in(tmp_path / "clips") == []


def test_a_killed_cut_has_no_final_name_and_the_next_run_clears_up(slow_to_cut: Path, tmp_path: Path) -> None:
    out = tmp_path / "clips"
    with cutting(slow_to_cut, out) as running:
        begun(running, out)
        running.kill()
    left = names_in(out)
    assert left
    assert all(name.startswith(".") for name in left)
    assert main(["cut", str(slow_to_cut), "--span", "0-0.2", "--out-dir", str(out)]) == ExitCode.DONE
    assert names_in(out) == ["film_001.mp4"]


class Counted:
    """A file whose reading is counted."""

    total = 0

    def __init__(self, path: str) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size) or b""
        Counted.total += len(data)
        return data

    def seek(self, place: int, whence: int = 0) -> int:
        return self._file.seek(place, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()


@pytest.fixture(scope="module")
def long_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half an hour in 140 MB: a group of 50 pictures over and over, and sound."""
    folder = tmp_path_factory.mktemp("long")
    group = make_video(folder / "group.mp4", frames=50, size=(320, 180), gop=50, audio=0)
    sound = make_audio(folder / "sound.m4a", seconds=Fraction(2))
    with av.open(str(group)) as opened:
        pictures = [
            (bytes(packet), packet.pts, packet.dts, packet.is_keyframe)
            for packet in opened.demux(video=0)
            if packet.size and packet.pts is not None and packet.dts is not None
        ]
    with av.open(str(sound)) as opened:
        heard = [bytes(packet) for packet in opened.demux(audio=0) if packet.size][1:]
    wanted = 140_000_000 // (900 * 50)
    with av.open(str(group)) as template, av.open(str(sound)) as audio, av.open(str(folder / "film.mp4"), "w") as film:
        video_in: Any = template.streams.video[0]
        video: Any = film.add_stream_from_template(video_in, opaque=True)
        track: Any = film.add_stream_from_template(audio.streams.audio[0], opaque=True)
        played = 0
        unit = round(Fraction(1, 25) / video_in.time_base)
        for number in range(900):
            for data, pts, dts, is_keyframe in pictures:
                padding = _filler_unit(max(8, wanted - len(data)))
                packet: Any = av.Packet(data + padding)
                packet.stream, packet.time_base, packet.is_keyframe = video, video_in.time_base, is_keyframe
                packet.pts, packet.dts = pts + number * 50 * unit, dts + number * 50 * unit
                packet.duration = unit
                film.mux_one(packet)
            while played * 1024 < (number + 1) * 2 * 48_000:
                block: Any = av.Packet(heard[played % len(heard)])
                block.stream, block.time_base, block.is_keyframe = track, Fraction(1, 48_000), True
                block.pts = block.dts = played * 1024
                block.duration = 1024
                film.mux_one(block)
                played += 1
    return folder / "film.mp4"


def _filler_unit(size: int) -> bytes:
    """Filler data (H.264 7.3.2.7) as a unit with its length before it."""
    unit = b"\x0c" + b"\xff" * (size - 6) + b"\x80"
    return len(unit).to_bytes(4, "big") + unit


@pytest.fixture
def counting(long_film: Path, monkeypatch: pytest.MonkeyPatch) -> type[Counted]:
    """Counts what is read of the film, by libraries and by ourselves."""
    right_av, right_path = av.open, Path.open

    def open_media(name: Any, *arguments: Any, **more: Any) -> Any:
        if str(name) != f"file:{long_film}":
            return right_av(name, *arguments, **more)
        options = {key: value for key, value in more["container_options"].items() if key != "protocol_whitelist"}
        return right_av(Counted(str(long_film)), *arguments, **{**more, "container_options": options})

    def open_path(self: Path, *arguments: Any, **more: Any) -> Any:
        if self != long_film:
            return right_path(self, *arguments, **more)
        opened: Any = right_path(self, *arguments, **more)
        read = opened.read

        class Reading:
            def __enter__(self) -> Any:
                return self

            def __exit__(self, *problem: Any) -> None:
                opened.close()

            def read(self, size: int = -1) -> bytes:
                data: bytes = read(size)
                Counted.total += len(data)
                return data

            def seek(self, *place: int) -> int:
                return int(opened.seek(*place))

        return Reading()

    monkeypatch.setattr(av, "open", open_media)
    monkeypatch.setattr(Path, "open", open_path)
    Counted.total = 0
    return Counted


def test_a_short_clip_of_a_long_file_reads_little_of_it(
    long_film: Path, tmp_path: Path, counting: type[Counted], capsys: pytest.CaptureFixture[str]
) -> None:
    assert 135_000_000 < long_film.stat().st_size < 150_000_000
    code = main(["cut", str(long_film), "--span", "900.52-908.52", "--out-dir", str(tmp_path / "clips"), "--json"])
    assert code == ExitCode.DONE
    [item] = json.loads(capsys.readouterr().out)["items"]
    assert item["mode"]["used"] == "smart"
    assert item["delivered"]["frames"] == 200
    assert counting.total > 1_000_000
    assert counting.total <= 10_000_000


def peak_memory(source: Path, out: Path, span: str) -> int:
    """The most memory in kB that a process needs to cut a span in smart mode."""
    script = (
        "import sys; from marlin_edit.cli import main; code = main(sys.argv[1:]); "
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]); sys.exit(code)"
    )
    command = [sys.executable, "-c", script, "cut", str(source), "--span", span, "--out-dir", str(out)]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return int(ran.stdout.splitlines()[-1])


@pytest.mark.slow
def test_memory_does_not_grow_with_the_cut(long_film: Path, tmp_path: Path) -> None:
    short = peak_memory(long_film, tmp_path / "short", "10.52-12.52")
    long = peak_memory(long_film, tmp_path / "long", "10.52-310.52")
    assert long - short < 20_000  # the clip itself is 23 MB


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can raise a priority")
def test_no_encoder_raises_the_priority_of_the_program(tmp_path: Path) -> None:
    source = make_video(tmp_path / "film.mp4", codec="libsvtav1", size=(192, 108), gop=25)
    for mode in ("smart", "exact"):
        receipt = deliver(source, tmp_path / mode, (13, 71), clip_mode=mode)
        assert receipt.items[0]["frames_encoded"] > 0
        threads = [int(thread) for thread in os.listdir("/proc/self/task")]
        assert {os.sched_getscheduler(thread) for thread in threads} == {os.SCHED_OTHER}
