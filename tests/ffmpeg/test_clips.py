"""Clips: the frames of each are exactly those asked for, sound stays with them, and nothing half-made has a name."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from time import monotonic
from typing import Any

import av
import pytest

from marlin_edit.analysis import Analysis
from marlin_edit.edit import Cut, Edit
from marlin_edit.errors import MarlinEditError, UsageError
from marlin_edit.interfaces import Context, Receipt
from marlin_edit.media import MediaInfo, Scan, probe
from marlin_edit.settings import Settings, Value
from marlin_edit.timebase import FrameRange
from marlin_edit_ffmpeg import register_deliveries, register_settings
from marlin_edit_ffmpeg.clips.verify import check_clip, picture_of
from marlin_edit_ffmpeg.clock import ClipClock
from marlin_edit_ffmpeg.containers import Output
from marlin_edit_ffmpeg.source import Source
from tests.support.clip_reader import Reading, read_clip
from tests.support.synthetic_video import frame_indices, make_video, truncate

NASA = Path(__file__).parents[1] / "data" / "nasa_13013.mp4"
CLIPS, _ = register_deliveries()


def settings_for(out_dir: Path, **given: Any) -> Settings:
    values = {setting.name: setting.default for setting in register_settings()}
    values |= {"overwrite": False, "out_dir": out_dir} | given
    return Settings({name: Value(value) for name, value in values.items()})


def edit_of(source: Path, *ranges: tuple[int, int], names: tuple[str, ...] = ()) -> Edit:
    analysis = Analysis(probe(source))
    assert analysis.media.rate is not None
    cuts = tuple(
        Cut(analysis, FrameRange(first, stop), None, names[at] if names else "part")
        for at, (first, stop) in enumerate(ranges)
    )
    return Edit("test", analysis.media.rate, 0, (analysis,), cuts)


def opened(path: Path) -> Any:
    return av.open(str(path))


def deliver(source: Path, out_dir: Path, *ranges: tuple[int, int], dry_run: bool = False, **given: Any) -> Receipt:
    settings = settings_for(out_dir, **given)
    CLIPS.check(settings)
    return CLIPS.deliver(edit_of(source, *ranges), Context(settings), dry_run)


def read(receipt: Receipt, at: int, source: Path, first_index: int = 0) -> Reading:
    """What the clip holds; the sound of `makers` counts from the frame with index 0."""
    item, media = receipt.items[at], probe(source)
    assert media.rate is not None
    return read_clip(
        Path(item["file"]), media.time_of(item["delivered"]["first_frame"]) + media.rate.seconds(first_index)
    )


@dataclass(frozen=True)
class Kind:
    """A kind of source. first_index: the index that its first shown frame carries. bound: of the sound, in seconds."""

    name: str
    suffix: str = ".mp4"
    made: Mapping[str, Any] = field(default_factory=dict)
    frames: int = 90
    first_index: int = 0
    bound: Fraction = Fraction(25, 1000)


FILM = "24000/1001"
VARIABLE = tuple(Fraction(n, 30) + (Fraction(1, 90) if n % 3 == 1 else 0) for n in range(90))

KINDS = [
    Kind("H.264 in mp4", made={"gop": 40, "bframes": 3}),
    Kind("H.264 in mkv, one long group", ".mkv", {"gop": 250, "bframes": 3}),
    Kind("H.264, open groups", made={"gop": 20, "bframes": 3, "options": {"x264-params": "open-gop=1"}}),
    Kind("23.976 with time code", ".mov", {"rate": FILM, "timecode": "01:00:00:00"}),
    Kind("29.97 in mkv", ".mkv", {"rate": "30000/1001"}),
    Kind("variable rate", made={"variable": VARIABLE}),
    Kind("variable rate in mkv", ".mkv", {"variable": VARIABLE}),
    Kind("edit list", made={"hidden": 5}, frames=85, first_index=5),
    Kind("H.264 in TS, from ten hours on", ".ts", {"start": Fraction(36_001)}),
    Kind("delayed sound", made={"audio_delay": Fraction(7, 10)}),
    Kind("two sounds", made={"audio": 2, "audio_languages": ("eng", "deu")}),
    Kind("no sound", made={"audio": 0}),
    Kind("turned", made={"rotation": 90}),
    Kind("interlaced", made={"interlaced": "top"}),
    Kind("anamorphic", ".mkv", {"pixel_aspect": Fraction(16, 11)}),
    Kind("HEVC", made={"codec": "libx265", "gop": 30}),
    Kind("HEVC of 10 bits in mkv", ".mkv", {"codec": "libx265", "pixel_format": "yuv420p10le"}),
    Kind("H.264 of 10 bits", made={"pixel_format": "yuv420p10le"}),
    Kind("VP9 in webm", ".webm", {"codec": "libvpx-vp9"}),
    Kind("AV1 in mkv", ".mkv", {"codec": "libsvtav1"}),
    Kind("ProRes", ".mov", {"codec": "prores_ks", "pixel_format": "yuv422p10le", "audio_codec": "pcm_s16le"}),
    Kind("MPEG-2 in TS", ".ts", {"codec": "mpeg2video", "audio_codec": "mp2"}),
    Kind("MPEG-4 in avi", ".avi", {"codec": "mpeg4", "bframes": 0}),
    Kind("MP3 in mp4", made={"audio_codec": "libmp3lame"}),
    Kind("AC-3 in mkv", ".mkv", {"audio_codec": "ac3"}),
]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("sources")
    made: dict[str, Path] = {}

    def source(kind: Kind) -> Path:
        if kind.name not in made:
            path = folder / f"{len(made):02}{kind.suffix}"
            made[kind.name] = make_video(path, frames=90, size=(192, 108), **kind.made)
        return made[kind.name]

    return source


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_an_exact_clip_has_exactly_the_frames_asked_for(kind: Kind, sources: Any, tmp_path: Path) -> None:
    source = sources(kind)
    ranges = [(33, 71), (0, 10), (kind.frames - 7, kind.frames), (52, 53)]
    receipt = deliver(source, tmp_path / "clips", *ranges, clip_mode="exact")
    assert receipt.missing == ()
    assert len(receipt.files) == len(ranges)
    for at, (first, stop) in enumerate(ranges):
        clip = read(receipt, at, source, kind.first_index)
        assert clip.indices == tuple(range(first + kind.first_index, stop + kind.first_index))
        assert clip.hidden == 0
        assert clip.sound_streams == kind.made.get("audio", 1) or "no sound there" in str(receipt.items[at]["warnings"])
        assert clip.worst_sound_error <= kind.bound
        item = receipt.items[at]
        assert item["drift"] == {"start_frames": 0, "start": "0", "end_frames": 0, "end": "0"}
        whole_pictures = kind.name == "ProRes"  # copied, because that is exact as well
        assert (item["frames_copied"] if whole_pictures else item["frames_encoded"]) == stop - first
        assert item["mode"]["used"] == "exact"
    assert kind.made.get("audio") == 0 or read(receipt, 0, source).sound_errors


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_copied_clip_has_no_hole_and_its_report_is_true(kind: Kind, sources: Any, tmp_path: Path) -> None:
    source = sources(kind)
    receipt = deliver(source, tmp_path / "clips", (47, 71), clip_mode="copy")
    assert receipt.missing == ()
    [item] = receipt.items
    clip = read(receipt, 0, source, kind.first_index)
    delivered = item["delivered"]
    assert clip.first == delivered["first_frame"] + kind.first_index
    assert clip.last == delivered["stop_frame"] - 1 + kind.first_index
    assert len(clip.indices) == delivered["frames"]
    assert (clip.holes, clip.repeats, clip.hidden) == (0, 0, 0)
    assert item["drift"]["start_frames"] == delivered["first_frame"] - 47 <= 0
    assert item["drift"]["end_frames"] == delivered["stop_frame"] - 71 >= -3
    assert clip.worst_sound_error <= kind.bound
    if item["mode"]["used"] == "exact":
        assert item["mode"]["reason"]


def test_encoded_sound_begins_at_the_sample(sources: Any, tmp_path: Path) -> None:
    for kind in KINDS:
        if kind.name in ("H.264 in mp4", "29.97 in mkv", "H.264 in TS, from ten hours on", "VP9 in webm"):
            source = sources(kind)
            receipt = deliver(source, tmp_path / kind.suffix[1:], (33, 71), clip_sound="exact")
            assert receipt.missing == ()
            assert read(receipt, 0, source).worst_sound_error <= Fraction(1, 1000)
            assert abs(receipt.items[0]["sound"][0]["error"]) < 0.005


def test_start_time_code_moves_with_the_in_point(tmp_path: Path) -> None:
    source = make_video(
        tmp_path / "film.mov", frames=200, rate=FILM, size=(96, 54), timecode="01:00:00:00", reel="A001"
    )
    receipt = deliver(source, tmp_path / "clips", (178, 190))
    assert receipt.items[0]["start_timecode"] == "01:00:07:10"
    clip = probe(receipt.files[0])
    assert (clip.start_timecode, clip.reel, clip.has_timecode) == ("01:00:07:10", "A001", True)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_drop_frame_time_code_skips_labels_at_the_minute(tmp_path: Path, suffix: str) -> None:
    source = make_video(
        tmp_path / f"tv{suffix}", frames=40, rate="30000/1001", size=(96, 54), timecode="00:59:59;20", gop=10
    )
    into_the_hour = deliver(source, tmp_path / "hour", (9, 20), (10, 20))
    assert [item["start_timecode"] for item in into_the_hour.items] == ["00:59:59;29", "01:00:00;00"]
    source = make_video(tmp_path / f"ad{suffix}", frames=40, rate="30000/1001", size=(96, 54), timecode="01:00:59;20")
    receipt = deliver(source, tmp_path / "minute", (9, 20), (10, 20), (27, 30))
    labels = ["01:00:59;29", "01:01:00;02", "01:01:00;19"]
    assert [item["start_timecode"] for item in receipt.items] == labels
    assert [probe(file).start_timecode for file in receipt.files] == labels


def test_a_copied_clip_starts_with_its_keyframes_time_code(tmp_path: Path) -> None:
    source = make_video(tmp_path / "film.mov", rate=FILM, size=(96, 54), timecode="01:00:00:00", gop=24)
    receipt = deliver(source, tmp_path / "clips", (30, 60), clip_mode="copy")
    assert receipt.items[0]["drift"]["start_frames"] == -6
    assert receipt.items[0]["start_timecode"] == probe(receipt.files[0]).start_timecode == "01:00:01:00"


@pytest.mark.parametrize("mode", ["smart", "exact", "copy"])
def test_a_clip_is_shown_like_its_source(tmp_path: Path, mode: str) -> None:
    source = make_video(
        tmp_path / "phone.mp4",
        size=(192, 108),
        rotation=90,
        pixel_aspect=Fraction(4, 3),
        colour={"color_primaries": 1, "color_trc": 1, "colorspace": 1, "color_range": 1},
        metadata={"title": "A day: at the sea"},
        audio=2,
        audio_languages=("eng", "deu"),
    )
    receipt = deliver(source, tmp_path / "clips", (30, 60), clip_mode=mode)
    before, after = probe(source), probe(receipt.files[0])
    for name in ("rate", "width", "height", "rotation", "pixel_aspect", "colour", "scan"):
        assert getattr(after, name) == getattr(before, name), name
    assert [stream.language for stream in after.streams if stream.kind == "audio"] == ["eng", "deu"]
    with opened(receipt.files[0]) as container:
        assert container.metadata["title"] == "A day: at the sea"
        assert container.duration is not None
        assert abs(container.duration / 1_000_000 - receipt.items[0]["delivered"]["frames"] / 25) < 0.03


def test_interlaced_pictures_stay_interlaced(tmp_path: Path) -> None:
    source = make_video(tmp_path / "tv.mp4", size=(192, 112), interlaced="bottom")
    receipt = deliver(source, tmp_path / "clips", (30, 60))
    assert probe(receipt.files[0]).scan is probe(source).scan is Scan.BOTTOM_FIRST
    with opened(receipt.files[0]) as container:
        assert next(container.decode(video=0)).interlaced_frame


HDR = (
    "hdr10=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
    ":max-cll=1000,400:log-level=none:bframes=2:keyint=25"
)


def test_hdr10_metadata_is_kept(tmp_path: Path) -> None:
    source = make_video(
        tmp_path / "hdr.mp4",
        size=(192, 108),
        codec="libx265",
        pixel_format="yuv420p10le",
        colour={"color_primaries": 9, "color_trc": 16, "colorspace": 9, "color_range": 1},
        options={"x265-params": HDR},
    )
    receipt = deliver(source, tmp_path / "clips", (30, 60))
    clip = probe(receipt.files[0])
    assert clip.colour == probe(source).colour
    assert clip.colour.hdr
    shown = []
    for path in (source, receipt.files[0]):
        with opened(path) as container:
            frame = next(container.decode(video=0))
            assert frame.format.name == "yuv420p10le"
            shown.append({side.type.name: bytes(side) for side in frame.side_data if "SEI" not in side.type.name})
    assert shown[0]["CONTENT_LIGHT_LEVEL"] == shown[1]["CONTENT_LIGHT_LEVEL"]
    assert _primaries(shown[0]) == _primaries(shown[1])


def _primaries(side_data: Mapping[str, bytes]) -> list[Fraction]:
    values = struct.unpack_from("=20i", side_data["MASTERING_DISPLAY_METADATA"])
    return [Fraction(top, bottom) for top, bottom in zip(values[::2], values[1::2], strict=True)]


@pytest.mark.parametrize("mode", ["exact", "copy"])
def test_times_of_a_variable_rate_are_kept(tmp_path: Path, mode: str) -> None:
    source = make_video(tmp_path / "phone.mp4", size=(96, 54), variable=VARIABLE, gop=10)
    receipt = deliver(source, tmp_path / "clips", (37, 61), clip_mode=mode)
    clip, media = read(receipt, 0, source), probe(source)
    first = clip.first
    for index, time in zip(clip.indices, clip.times, strict=True):
        assert abs(time - (media.time_of(index) - media.time_of(first))) < Fraction(1, 10_000)
    assert clip.length is not None
    assert abs(clip.length - (media.time_of(clip.last + 1) - media.time_of(first))) < Fraction(1, 60)


def test_subtitles_are_shifted_and_clipped(tmp_path: Path) -> None:
    for suffix in (".mp4", ".mkv"):
        source = make_video(tmp_path / f"film{suffix}", size=(96, 54), subtitles=1)  # a line from 0.5 to 1.5 s
        receipt = deliver(source, tmp_path / suffix[1:], (25, 50))
        with opened(receipt.files[0]) as container:
            stream = container.streams.subtitles[0]
            lines = [packet for packet in container.demux(stream) if packet.size > 2]
            [line] = lines
            assert line.pts == 0
            assert line.duration is not None
            assert line.duration * stream.time_base == Fraction(1, 2)


def test_nasa_file_keeps_all_sound_and_text_and_says_what_it_leaves_out(tmp_path: Path) -> None:
    media = probe(NASA)
    receipt = deliver(NASA, tmp_path / "clips", (33, 71), (media.frame_count - 5, media.frame_count))
    assert receipt.missing == ()
    with opened(NASA) as container:
        [wanted] = [stream for stream in container.streams if stream.index == media.video_index]
        frames = list(container.decode(wanted))[33:71]
        pictures = [frame.to_ndarray(format="gray").astype(int) for frame in frames]
    with opened(receipt.files[0]) as container:
        clip = [frame.to_ndarray(format="gray").astype(int) for frame in container.decode(video=0)]
        assert len(container.streams.audio) == 2
        assert len(container.streams.subtitles) == 2
    assert len(clip) == len(pictures) == 38
    for at in range(38):
        assert abs(clip[at] - pictures[at]).mean() < 3
    assert [stream["kind"] for stream in receipt.items[0]["streams_dropped"]] == ["video"]
    assert any("left out" in note for note in receipt.notes)


def test_clips_are_numbered_and_named_inside_the_directory(tmp_path: Path) -> None:
    source = make_video(tmp_path / "-dash %03d.mp4", frames=30, size=(96, 54), audio=0)
    names = ("../../etc/passwd", "a|b:c\nd", "", 'say \U0001f600 "it\'s"')
    edit = edit_of(source, (0, 5), (5, 10), (0, 5), (2, 3), names=names)
    receipt = CLIPS.deliver(edit, Context(settings_for(tmp_path / "out" / "deep")), False)
    assert receipt.missing == ()
    assert len({file.name for file in receipt.files}) == 4
    for number, file in enumerate(receipt.files, 1):
        assert file.parent == tmp_path / "out" / "deep"
        assert file.is_file()
        assert f"_{number:03}" in file.name
    assert receipt.files[2].name.endswith("_003.mp4")
    assert sorted(os.listdir(tmp_path / "out" / "deep")) == sorted(file.name for file in receipt.files)


def test_a_name_that_is_taken_is_refused_before_the_first_clip(tmp_path: Path) -> None:
    source = make_video(tmp_path / "film.mp4", frames=30, size=(96, 54), audio=0)
    out = tmp_path / "clips"
    out.mkdir()
    (out / "film_002_part.mp4").write_text("mine")
    with pytest.raises(UsageError, match="exists"):
        deliver(source, out, (0, 5), (5, 10))
    assert sorted(os.listdir(out)) == ["film_002_part.mp4"]
    assert (out / "film_002_part.mp4").read_text() == "mine"
    receipt = deliver(source, out, (0, 5), (5, 10), overwrite=True)
    assert len(receipt.files) == 2
    assert read(receipt, 1, source).indices == (5, 6, 7, 8, 9)


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_the_source_is_never_written_over(tmp_path: Path, link: Any) -> None:
    source = make_video(tmp_path / "film.mp4", frames=30, size=(96, 54), audio=0)
    before = source.read_bytes()
    out = tmp_path / "clips"
    out.mkdir()
    link(source, out / "film_001_part.mp4")
    with pytest.raises(UsageError):
        deliver(source, out, (0, 5), overwrite=True)
    assert source.read_bytes() == before
    assert (out / "film_001_part.mp4").read_bytes() == before


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".mp4"])
@pytest.mark.parametrize("mode", ["smart", "exact", "copy"])
def test_of_a_truncated_file_what_is_there_is_delivered(tmp_path: Path, suffix: str, mode: str) -> None:
    source = make_video(
        tmp_path / f"film{suffix}",
        frames=150,
        size=(192, 108),
        container_options={"movflags": "faststart"} if suffix == ".mp4" else None,
    )
    edit = edit_of(source, (10, 30), (60, 149), (140, 149))
    truncate(source, 0.6)
    receipt = CLIPS.deliver(edit, Context(settings_for(tmp_path / "clips", clip_mode=mode)), False)
    assert len(receipt.files) == 2
    assert [sentence.split(":")[0] for sentence in receipt.missing] == [
        f"film_002_part{suffix}",
        f"film_003_part{suffix}",
    ]
    whole, part = read(receipt, 0, source), receipt.items[1]
    assert whole.last == receipt.items[0]["delivered"]["stop_frame"] - 1
    assert part["drift"]["end_frames"] < 0
    indices = [index for _, index in frame_indices(receipt.files[1])]
    first = part["delivered"]["first_frame"]
    assert indices[:5] == list(range(first, first + 5))
    assert len(indices) == part["delivered"]["frames"]
    assert len(os.listdir(tmp_path / "clips")) == 2


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    import resource

    source = make_video(tmp_path / "film.mp4", frames=60, size=(192, 108))
    edit, settings = edit_of(source, (0, 60)), settings_for(tmp_path / "clips")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(MarlinEditError, match=r"could not be written"):
            CLIPS.deliver(edit, Context(settings), False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not (tmp_path / "clips").exists()


def test_an_interrupted_clip_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_video(tmp_path / "film.mp4", frames=60, size=(96, 54))

    def interrupted(*arguments: Any, **more: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("marlin_edit_ffmpeg.clips.writer.check_clip", interrupted)
    with pytest.raises(KeyboardInterrupt):
        deliver(source, tmp_path / "clips", (0, 60))
    assert not (tmp_path / "clips").exists()


def test_a_dry_run_tells_the_plan_and_writes_nothing(tmp_path: Path) -> None:
    source = make_video(tmp_path / "film.mp4", size=(96, 54), gop=25)
    receipt = deliver(source, tmp_path / "clips", (30, 60), clip_mode="copy", dry_run=True)
    assert [path.name for path in receipt.files] == ["film_001_part.mp4"]
    assert not (tmp_path / "clips").exists()
    [item] = receipt.items
    assert item["delivered"] is None
    assert item["drift"]["start_frames"] == -5
    written = deliver(source, tmp_path / "clips", (30, 60), clip_mode="copy").items[0]
    assert written["drift"] == item["drift"]


def test_progress_goes_on_inside_a_clip_and_ends_with_the_last(tmp_path: Path) -> None:
    source = make_video(tmp_path / "film.mp4", frames=90, size=(96, 54), gop=30)
    for mode in ("smart", "exact", "copy"):
        reported: list[float] = []
        context = Context(
            settings_for(tmp_path / mode, clip_mode=mode),
            progress=lambda done, total, detail="": reported.append(done / total),  # noqa: B023
        )
        CLIPS.deliver(edit_of(source, (0, 60), (35, 85)), context, False)
        assert reported == sorted(reported)
        assert reported[-1] == 1
        assert len({round(part, 2) for part in reported}) > 20


def test_a_dry_run_tells_how_long_encoding_takes_here(tmp_path: Path) -> None:
    source = make_video(tmp_path / "film.mp4", frames=90, size=(640, 360), gop=30)
    receipt = deliver(source, tmp_path / "clips", (0, 60), (0, 30), clip_mode="exact", dry_run=True)
    works = [item["estimate"]["seconds_of_work"] for item in receipt.items]
    assert works[0] == pytest.approx(2 * works[1], abs=0.2)
    assert works[0] > 0
    began = monotonic()
    deliver(source, tmp_path / "clips", (0, 60), clip_mode="exact")
    assert works[0] < 20 * (monotonic() - began)
    assert "would be encoded, in about" in receipt.notes[-1]
    copied = deliver(source, tmp_path / "more", (0, 60), clip_mode="copy", dry_run=True)
    assert copied.items[0]["estimate"]["seconds_of_work"] == 0
    assert "in about" not in copied.notes[-1]


def test_a_clip_that_is_not_as_planned_gets_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_video(tmp_path / "film.mp4", size=(96, 54))
    right = ClipClock.ticks
    monkeypatch.setattr(ClipClock, "ticks", lambda clock, frame: right(clock, frame) + (frame > clock.first + 20))
    receipt = deliver(source, tmp_path / "clips", (30, 60))
    assert receipt.files == ()
    assert "failed its check" in receipt.missing[0]
    assert not (tmp_path / "clips").exists()


def test_pictures_one_frame_off_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_video(tmp_path / "film.mp4", size=(96, 54))
    right = Source.decode

    def one_late(self: Source, packet: Any) -> list[tuple[int, Any]]:
        return [(number + 1, frame) for number, frame in right(self, packet)]

    receipt = deliver(source, tmp_path / "good", (30, 60))
    picture = Path(receipt.items[0]["file"])
    clock = ClipClock(probe(source), 30)
    with Source(probe(source)) as reader:
        near = {number: picture_of(frame) for number, frame in reader.frames(28, 62)}
    assert not isinstance(check_clip(picture, FrameRange(30, 60), clock, near, same=False, count=30), str)
    monkeypatch.setattr(Source, "decode", one_late)
    with Source(probe(source)) as reader:
        shifted = {number: picture_of(frame) for number, frame in reader.frames(28, 62)}
    said = check_clip(picture, FrameRange(30, 60), clock, shifted, same=False, count=30)
    assert isinstance(said, str)
    assert "look" in said


def test_a_copy_with_one_other_bit_is_made_again_as_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_video(tmp_path / "film.mp4", size=(96, 54))
    right = Output.mux
    written: list[Output] = []

    def one_bit_off(self: Output, packet: Any) -> None:
        if packet.stream.type == "video":
            written.append(self)
        if len(written) == 20:
            data = bytearray(bytes(packet))
            data[-1] ^= 1
            other: Any = av.Packet(bytes(data))
            other.stream, other.time_base = packet.stream, packet.time_base
            other.pts, other.dts, other.duration = packet.pts, packet.dts, packet.duration
            packet = other
            written.append(self)
        right(self, packet)

    monkeypatch.setattr(Output, "mux", one_bit_off)
    receipt = deliver(source, tmp_path / "clips", (30, 60), clip_mode="copy")
    [item] = receipt.items
    assert item["mode"]["used"] == "exact"
    assert "a copy failed its check: copied packets of the written clip are not the source's" in item["mode"]["reason"]
    assert read(receipt, 0, source).indices == tuple(range(30, 60))
    assert any("failed its check" in note for note in receipt.notes)


def test_many_clips_open_their_source_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_video(tmp_path / "film.mp4", size=(96, 54))
    seen: list[Path] = []
    right = Source.__init__

    def counted(self: Source, media: MediaInfo) -> None:
        seen.append(media.path)
        right(self, media)

    monkeypatch.setattr(Source, "__init__", counted)
    receipt = deliver(source, tmp_path / "clips", *[(at, at + 3) for at in range(60, 0, -6)])
    assert len(receipt.files) == 10
    assert [item["asked"]["first_frame"] for item in receipt.items] == list(range(60, 0, -6))
    assert len(seen) == 1


def test_single_frames_anywhere_in_a_transport_stream_are_delivered(tmp_path: Path) -> None:
    source = make_video(tmp_path / "tv.ts", frames=360, size=(96, 64), gop=50, rate="30000/1001")
    frames = (60, 61, 62, 63, 349, 350, 359)
    receipt = deliver(source, tmp_path / "clips", *[(frame, frame + 1) for frame in frames])
    assert receipt.missing == ()
    assert [frame_indices(file)[0][1] for file in receipt.files] == list(frames)


@pytest.mark.parametrize("mode", ["exact", "copy"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_clips_far_inside_a_file_are_cut_as_well(tmp_path: Path, suffix: str, mode: str) -> None:
    source = make_video(
        tmp_path / f"long{suffix}",
        frames=900,
        size=(96, 64),
        gop=48,
        bframes=3,
        rate=FILM,
        start=Fraction(36_001) if suffix == ".ts" else Fraction(0),
    )
    receipt = deliver(source, tmp_path / "clips", (700, 740), (431, 434), (897, 900), (0, 2), clip_mode=mode)
    assert receipt.missing == ()
    for at, item in enumerate(receipt.items):
        delivered = item["delivered"]
        clip = read(receipt, at, source)
        assert clip.indices == tuple(range(delivered["first_frame"], delivered["stop_frame"]))
        assert clip.worst_sound_error <= Fraction(25, 1000)
        assert item["mode"]["used"] == mode
        assert -48 <= item["drift"]["start_frames"] <= 0
        assert -3 <= item["drift"]["end_frames"] <= 4


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_chapters_are_shifted_and_clipped(tmp_path: Path, suffix: str) -> None:
    plain, source = make_video(tmp_path / f"plain{suffix}", frames=100, size=(96, 64)), tmp_path / f"film{suffix}"
    unit = Fraction(1, 1000)
    with opened(plain) as container, av.open(str(source), "w") as written:
        streams = {stream.index: written.add_stream_from_template(stream, opaque=True) for stream in container.streams}
        written.set_chapters(
            [
                {
                    "id": at,
                    "start": at * 1000,
                    "end": at * 1000 + 1000,
                    "time_base": unit,
                    "metadata": {"title": f"{at}"},
                }
                for at in range(4)
            ]
        )
        for packet in container.demux():
            if packet.size:
                packet.stream = streams[packet.stream_index]
                written.mux(packet)
    receipt = deliver(source, tmp_path / "clips", (40, 60))
    assert receipt.notes == ()
    with opened(receipt.files[0]) as container:
        chapters = [
            (
                chapter["start"] * chapter["time_base"],
                chapter["end"] * chapter["time_base"],
                chapter["metadata"]["title"],
            )
            for chapter in container.chapters()
        ]
    assert chapters == [(0, Fraction(2, 5), "1"), (Fraction(2, 5), Fraction(4, 5), "2")]
