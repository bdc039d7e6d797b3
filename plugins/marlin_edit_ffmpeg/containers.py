"""Which container a clip gets, what it can hold and how it is written: the source's own kind, or the one nearest to it
that editing programs read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import TracebackType
from typing import Any

from marlin_edit.errors import MarlinEditError
from marlin_edit.media import MediaInfo
from marlin_edit_ffmpeg.priority import keep_usual_priority

_MOVIE_TIMESCALE = 240_000
"""Ticks a second of an mp4's edit lists: every common frame rate and 48 kHz fit in whole ticks."""


@dataclass(frozen=True)
class Container:
    """A kind of file. text, videos, audio: subtitle, video and audio codecs that it holds (None: what its muxer
    takes), refused: those of them whose order of frames it does not tell. sounds: how many streams of sound at most
    (None for any number).

    edit_list: sound can begin inside a packet. sound_times: it says when a packet of sound is heard. hides_priming:
    decoders drop what an encoder puts before its sound.
    """

    name: str
    muxer: str
    suffix: str
    edit_list: bool = False
    sound_times: bool = True
    hides_priming: bool = True
    timecode: bool = True
    text: frozenset[str] = frozenset()
    videos: frozenset[str] | None = None
    refused: frozenset[str] = frozenset()
    audio: frozenset[str] | None = None
    fallback_video: str = "h264"
    fallback_audio: str = "aac"
    attachments: bool = False
    sounds: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    def holds(self, codec: str) -> bool:
        """Whether it holds pictures of a codec, by FFmpeg's name."""
        if codec in ANIMATIONS or codec in self.refused:
            return False
        return codec in (self.videos if self.videos is not None else _taken_by(self.muxer))

    def holds_sound(self, codec: str) -> bool:
        """Whether it holds sound of a codec, by FFmpeg's name."""
        return codec in (self.audio if self.audio is not None else _taken_by(self.muxer))


ANIMATIONS = frozenset({"gif", "apng"})
"""Codecs of pictures for the web, each a difference from the one before: no film has them, so they become PNG."""


WHOLE = frozenset({"cfhd", "png"})
"""Codecs whose pictures refer to no others, which FFmpeg does not count among those; their decoders keep none."""


@cache
def _taken_by(muxer: str) -> frozenset[str]:
    """The codecs that a muxer takes."""
    import av

    with av.open(os.devnull, "w", format=muxer) as nowhere:
        return frozenset(map(_canonical, nowhere.supported_codecs))


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
    audio=frozenset({"aac", "ac3", "dts", "eac3", "mp2", "mp3", "opus", "s302m", "truehd"}),
)
AVI = Container(
    "AVI",
    "avi",
    ".avi",
    timecode=False,
    sound_times=False,
    refused=frozenset({"h264", "hevc", "av1", "vp9"}),
    fallback_video="mjpeg",
    fallback_audio="pcm_s16le",
)
CONTAINERS: Mapping[str, Container] = {
    "mov": MOV,
    "mp4": MP4,
    "mkv": MKV,
    "webm": WEBM,
    "ts": TS,
    "avi": AVI,
}
"""What `--container` can ask for."""

_NEAREST: Mapping[str, tuple[Container, ...]] = {
    "mxf": (MOV,),
    "gxf": (MOV,),
    "dv": (MOV,),
    "gif": (MOV,),
    "apng": (MOV,),
    "flv": (MP4, MOV),
    "avi": (MP4, MOV, AVI),
    "asf": (MP4, MOV),
    "wtv": (MP4, MOV),
    "mpeg": (TS,),
    "ivf": (WEBM, MP4),
}
"""By the source's container, in FFmpeg's name: what its clips are written as, the best first. Matroska is the last."""

_REFERRING = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "mpeg1video", "mpeg2video", "mpeg4"})
"""Codecs whose pictures refer to others and that have an encoder here. Pictures of any other such codec (WMV, Theora,
Sorenson, screen recorders' own) become H.264, unless packets alone are copied."""


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


def container_for(
    media: MediaInfo, *, copied: bool = False, asked: Container | None = None
) -> tuple[Container, str | None]:
    """The container of a source's clips, and what is to be said about it.

    Args:
        media: The source.
        copied: Whether packets alone are copied, so that the container must hold the source's own codec.
        asked: The container that a person wants.

    Raises:
        MarlinEditError: The container that is wanted cannot hold what is copied.
    """
    if media.sample_rate:
        return _sound_container(media)
    picture, sounds = _codecs_of(media)
    if asked is not None:
        if copied and picture and not asked.holds(picture):
            raise MarlinEditError(
                f"{asked.name} cannot hold the {picture} of {media.path.name}. Choose another --container, or --mode "
                "smart or exact, which encode."
            )
        return asked, None
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
    own = kinds.split(",")[0]
    nearest = _NEAREST.get(own, ())
    if picture in ANIMATIONS:
        picture = "png"
    elif picture and not copied and picture not in _REFERRING and not _stands_alone(picture):
        nearest, picture = (MP4, MOV), "h264"
    for kind in (*nearest, MKV, AVI):
        if picture == "rawvideo" and kind in (MP4, MOV):
            continue  # they have names for few kinds of raw pictures
        # MP4 has a way to hold PCM, which few programs know.
        if (not picture or kind.holds(picture)) and not (kind is MP4 and any(map(_is_pcm, sounds))):
            why = _why(own, nearest, kind)
            return kind, f"clips of {media.path.name} are written as {kind.name}{why}" if own != kind.muxer else None
    return MKV, f"clips of {media.path.name} are written as {MKV.name}"


def _why(own: str, nearest: tuple[Container, ...], kind: Container) -> str:
    if kind in nearest:
        return f", which editing programs read more surely than {own.upper()}"
    return f", because marlin-edit cannot write {own.upper()}" if own else ""


def _codecs_of(media: MediaInfo) -> tuple[str, list[str]]:
    """The codec of the chosen picture, or nothing where that is not known, and those of the sound."""
    picture = next((stream.codec for stream in media.streams if stream.index == media.video_index), "")
    return _canonical(picture), [stream.codec for stream in media.streams if stream.kind == "audio"]


@cache
def _canonical(codec: str) -> str:
    """FFmpeg's one name of a codec whose decoder may have another."""
    import av
    from av.codec.codec import UnknownCodecError

    try:
        return str(av.Codec(codec, "r").canonical_name) if codec else ""
    except UnknownCodecError:
        return codec


@cache
def _stands_alone(codec: str) -> bool:
    """Whether no picture of a codec refers to another."""
    import av
    from av.codec.codec import UnknownCodecError

    try:
        return codec in WHOLE or bool(av.Codec(codec, "r").intra_only)
    except UnknownCodecError:
        return False


def _is_pcm(codec: str) -> bool:
    return codec.startswith("pcm_")


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
