"""Which container a clip gets, what it can hold and how it is written: the source's own kind where possible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

from marlin_edit.media import MediaInfo
from marlin_edit_ffmpeg.priority import keep_usual_priority

_MOVIE_TIMESCALE = 240_000
"""Ticks a second of an mp4's edit lists: every common frame rate and 48 kHz fit in whole ticks."""


@dataclass(frozen=True)
class Container:
    """A kind of file. text, videos: subtitle and video codecs that it holds (None for any). sounds: how many streams
    of sound at most (None for any number).

    edit_list: sound can begin inside a packet. hides_priming: decoders drop what an encoder puts before its sound.
    """

    name: str
    muxer: str
    suffix: str
    edit_list: bool = False
    hides_priming: bool = True
    timecode: bool = True
    text: frozenset[str] = frozenset()
    videos: frozenset[str] | None = None
    fallback_video: str = "h264"
    fallback_audio: str = "aac"
    attachments: bool = False
    sounds: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)


_MOVIE = {"movflags": "+faststart", "movie_timescale": str(_MOVIE_TIMESCALE)}
_WITH_TEXT = frozenset({"subrip", "ass", "ssa", "webvtt", "text"})
MP4 = Container(
    "MP4",
    "mp4",
    ".mp4",
    edit_list=True,
    text=frozenset({"mov_text"}),
    videos=frozenset({"h264", "hevc", "av1", "vp9", "mpeg4", "mpeg2video", "mjpeg", "png", "vvc"}),
    options=_MOVIE,
)
MOV = Container("QuickTime", "mov", ".mov", edit_list=True, text=frozenset({"mov_text"}), options=_MOVIE)
MKV = Container("Matroska", "matroska", ".mkv", text=_WITH_TEXT, attachments=True)
WEBM = Container(
    "WebM",
    "webm",
    ".webm",
    text=frozenset({"webvtt"}),
    videos=frozenset({"vp8", "vp9", "av1"}),
    fallback_video="vp9",
    fallback_audio="opus",
)
TS = Container(
    "MPEG-TS",
    "mpegts",
    ".ts",
    hides_priming=False,
    timecode=False,
    videos=frozenset({"h264", "hevc", "mpeg2video", "mpeg1video", "mpeg4"}),
)


M4A = Container("MPEG-4 audio", "ipod", ".m4a", edit_list=True, timecode=False, options=_MOVIE)
MKA = Container("Matroska audio", "matroska", ".mka", timecode=False)
_SOUND = {
    "wav": Container("WAV", "wav", ".wav", timecode=False, sounds=1, fallback_audio="pcm_s16le"),
    "w64": Container("Wave64", "w64", ".w64", timecode=False, sounds=1, fallback_audio="pcm_s16le"),
    "aiff": Container("AIFF", "aiff", ".aiff", timecode=False, sounds=1, fallback_audio="pcm_s16be"),
    "flac": Container("FLAC", "flac", ".flac", timecode=False, sounds=1, fallback_audio="flac"),
    "mp3": Container("MP3", "mp3", ".mp3", timecode=False, sounds=1, fallback_audio="mp3"),
    "ogg": Container("Ogg", "ogg", ".ogg", timecode=False, fallback_audio="opus"),
}
SOUND_SUFFIXES: Mapping[str, Container] = {
    ".m4a": M4A,
    ".mka": MKA,
    **{kind.suffix: kind for kind in _SOUND.values()},
    ".opus": _SOUND["ogg"],
    ".oga": _SOUND["ogg"],
    ".aif": _SOUND["aiff"],
    ".wave": _SOUND["wav"],
}
"""Files of sound alone, by their names."""


def _sound_container(media: MediaInfo) -> tuple[Container, str | None]:
    kinds = media.container.lower().split(",")
    if "mp4" in kinds:
        return M4A, None
    for kind in kinds:
        if kind in _SOUND:
            found = _SOUND[kind]
            suffix = media.path.suffix.lower()
            same = suffix in (".opus", ".oga", ".aif", ".wave")
            return (replace(found, suffix=suffix) if same else found), None
    warning = (
        f"clips of {media.path.name} are written as Matroska audio, because marlin-edit cannot write its own container"
    )
    return MKA, None if "matroska" in kinds else warning


def container_for(media: MediaInfo) -> tuple[Container, str | None]:
    """The container of a source's clips, and what is to be said about it."""
    if media.sample_rate:
        return _sound_container(media)
    suffix = media.path.suffix.lower()
    kinds = media.container.lower()
    if "matroska" in kinds or "webm" in kinds:
        return (WEBM if suffix == ".webm" else MKV), None
    if "mp4" in kinds or "mov" in kinds:
        return (MOV if suffix in (".mov", ".qt") else MP4), None
    if "mpegts" in kinds:
        return TS, None
    by_suffix = {".mp4": MP4, ".m4v": MP4, ".mov": MOV, ".mkv": MKV, ".webm": WEBM, ".ts": TS, ".m2ts": TS, ".mts": TS}
    if not kinds and suffix in by_suffix:
        return by_suffix[suffix], None
    return (
        MKV,
        f"clips of {media.path.name} are written as Matroska, because marlin-edit cannot write its own container",
    )


class Output:
    """A clip being written. Packets that come before `begin` wait: the picture's first frame settles the header."""

    def __init__(self, path: str, kind: Container) -> None:
        import av

        self.kind = kind
        self._path = path.removeprefix("file:")
        self.container: Any = av.open(path, "w", format=kind.muxer, container_options=dict(kind.options))
        self._begun = False
        self._waiting: list[Any] = []

    def begin(self) -> None:
        """Write the header, if it is not written yet."""
        if not self._begun:
            self._begun = True
            self.container.start_encoding()
            keep_usual_priority()
            for packet in self._waiting:
                self.container.mux_one(packet)
            self._waiting.clear()

    def mux(self, packet: Any) -> None:
        """Write a packet."""
        if self._begun:
            self.container.mux_one(packet)
        else:
            self._waiting.append(packet)

    def __enter__(self) -> Output:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.container.close()
            if self.kind is TS:
                _fill_up(self._path)
            return
        from contextlib import suppress

        with suppress(Exception):
            self.container.close()


_TS_PACKET = 188
_TS_LEAST = 64
_TS_NULL = b"\x47\x1f\xff\x10" + b"\xff" * (_TS_PACKET - 4)  # ISO 13818-1, 2.4.1: stuffing that readers skip


def _fill_up(path: str) -> None:
    """Gives a transport stream of a frame or two the length at which readers recognise one."""
    with open(path, "ab") as file:
        file.write(_TS_NULL * max(0, _TS_LEAST - file.tell() // _TS_PACKET))
