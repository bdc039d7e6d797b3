"""Which streams of a video its copy has, and what is kept of each; what is left out and why."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

from marlin_edit.errors import MarlinEditError
from marlin_edit.media import MediaInfo, open_media
from marlin_edit_ffmpeg.attach.languages import UNKNOWN, codes_of
from marlin_edit_ffmpeg.attach.matroska import WEBVTT, Entry, entries_of
from marlin_edit_ffmpeg.clips.metadata import label_stream
from marlin_edit_ffmpeg.codecs import set_tag
from marlin_edit_ffmpeg.containers import MKV, Container, Output
from marlin_edit_ffmpeg.source import has_alpha_beside

NO_TIME = -(1 << 63)
"""Stands for a time that a packet does not have."""

BESIDE = ("matroska_block_additional", "webvtt_identifier", "webvtt_settings")
"""What stands beside packets in Matroska and WebM: transparency, and names and settings of cues."""

_RATIO = 3
"""The unit of a ratio of width and height in Matroska."""

_ONLY_OF_MP4 = ("handler_name", "vendor_id")


@dataclass
class Copied:
    """A stream that is copied, and what was written of it.

    Attributes:
        name: What it is called in a message.
        index, kind, unit, disposition, tags: The source's, as plain values: a stream is gone when its file is closed.
        place: Its index in the copy.
        cover: Whether it is a cover picture.
        empty: The size of packets that show nothing.
        entry: What is put into a Matroska file afterwards.
        times: The times of each packet: when it is shown and decoded, of a text when it is shown and gone.
        digest: A checksum of the bytes of all packets.
    """

    name: str
    index: int
    kind: str
    unit: Fraction
    disposition: int
    tags: Mapping[str, str]
    place: int
    cover: bool = False
    empty: int = 0
    entry: Entry | None = None
    times: array[int] = field(default_factory=lambda: array("q"))
    digest: Any = field(default_factory=blake2b)

    @property
    def default(self) -> bool:
        """Whether players choose it unasked."""
        return bool(self.disposition & 1)  # AV_DISPOSITION_DEFAULT

    def note(self, packet: Any) -> None:
        """Keep the times of a packet, and a checksum of its bytes."""
        if packet.size > self.empty:
            self.times.append(NO_TIME if packet.pts is None else packet.pts)
            shown_till = packet.pts is not None and self.kind == "subtitle"
            second = packet.pts + (packet.duration or 0) if shown_till else packet.dts
            self.times.append(NO_TIME if second is None else second)
            self.digest.update(memoryview(packet))
            for name in BESIDE:
                if packet.has_sidedata(name):
                    self.digest.update(memoryview(packet.get_sidedata(name)))


@dataclass
class Written:
    """What was written: streams of the video, the index of each track's stream, what was left out and why.

    damage: What FFmpeg says of the video's packets, if it finds anything wrong with them.
    """

    copied: list[Copied] = field(default_factory=list)
    attached: list[int] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    damage: str = ""


def add_copies(source: Any, output: Output, written: Written, media: MediaInfo) -> list[Callable[[], None]]:
    """Streams for all that is copied; returns what adds cover pictures and attachments, which come last in files."""
    kind = output.kind
    late: list[Callable[[], None]] = []
    said = dict(enumerate(entries_of(media.path))) if "matroska" in media.container.split(",") else {}
    if len(said) != sum(stream.type != "attachment" and not is_cover(stream) for stream in source.streams):
        said = {}  # FFmpeg passes over tracks of kinds that it does not know
    for stream in source.streams:
        if stream.type == "attachment" or is_cover(stream):
            if kind.attachments:
                late.append(partial(_add_attachment, output, stream))
            elif is_cover(stream) and kind.edit_list:
                late.append(partial(_add_copy, written, stream, output, media))
            else:
                _leave_out(written, stream, f"{kind.name} cannot hold attachments")
        elif stream.type == "data":
            is_chapters = stream.name == "bin_data" and source.chapters()
            if "timecode" not in stream.metadata and not is_chapters:  # the copy gets its own of these
                _leave_out(written, stream, f"{kind.name} cannot hold this data")
            elif "timecode" in stream.metadata and not media.has_timecode:
                _leave_out(written, stream, "its time code cannot be read")
        else:
            _add_copy(written, stream, output, media, said.get(stream.index))
    return late


def _add_copy(written: Written, stream: Any, output: Output, media: MediaInfo, own: Entry | None = None) -> None:
    written.copied.append(_copy(stream, output, media, own))


def _copy(stream: Any, output: Output, media: MediaInfo, own: Entry | None) -> Copied:
    """A stream of the copy. own: what a Matroska file says of it."""
    kind, context = output.kind, stream.codec_context
    codec = context.codec.canonical_name if context is not None else (own.codec if own is not None else "unknown")
    name = f"stream {stream.index} ({stream.type}, {codec})"
    if context is not None and kind.edit_list and has_alpha_beside(stream):
        raise MarlinEditError(
            f"{kind.name} cannot hold the transparency of {name} of {media.path.name}. Choose {own_suffix(media)}."
        )
    try:
        if codec == WEBVTT and kind.muxer == MKV.muxer:
            out = output.container.add_mux_stream("subrip")
        else:
            out = output.container.add_stream_from_template(stream, opaque=True)
    except ValueError as error:
        raise MarlinEditError(
            f"{kind.name} cannot hold {name} of {media.path.name}. Choose {own_suffix(media)}."
        ) from error
    out.time_base = stream.time_base
    if stream.type == "video" and (media.times is None or stream.average_rate == stream.base_rate):
        out.codec_context.framerate = stream.average_rate or 0  # so that Matroska says how long a frame is
    if stream.type == "video" and stream.sample_aspect_ratio:
        out.codec_context.sample_aspect_ratio = stream.sample_aspect_ratio  # which only the container may say
    if context is not None:
        set_tag(out, stream, kind, spliced=False)
    label_stream(stream, out)
    entry = None
    if kind.edit_list:
        if own is not None:  # Matroska may have the code of a language's English name
            out.metadata["language"] = codes_of(stream.metadata.get("language", UNKNOWN)).own
        if "title" in stream.metadata and "handler_name" not in stream.metadata:
            out.metadata["handler_name"] = stream.metadata["title"]
    else:
        for tag in _ONLY_OF_MP4:
            out.metadata.pop(tag, None)
        entry = _entry_for(stream, kind, own)
        if entry is not None:
            out.metadata["language"] = entry.padding
    return Copied(
        name,
        stream.index,
        stream.type,
        stream.time_base,
        int(stream.disposition),
        dict(stream.metadata),
        out.index,
        is_cover(stream),
        empty=2 if codec == "mov_text" else 0,
        entry=entry,
    )


def _entry_for(stream: Any, kind: Container, own: Entry | None) -> Entry | None:
    """What FFmpeg does not write of a stream into Matroska. own: what the source says of it, if it is Matroska."""
    entry = own or Entry(codes_of(stream.metadata.get("language", UNKNOWN)).english, "")
    if kind.muxer != MKV.muxer:
        entry = replace(entry, tag="")
    if entry.codec != WEBVTT or stream.codec_context is not None:
        entry = replace(entry, codec="", private=b"")
    shape = stream.sample_aspect_ratio if stream.type == "video" and entry.display is None else None
    if "stereo_mode" in stream.metadata:
        shape = None  # two pictures in one, of which FFmpeg writes the shape of each
    if shape and (own is None or shape == 1):  # else the pictures themselves say it
        width, height = stream.codec_context.width * shape, stream.codec_context.height
        ratio = Fraction(width, height)
        whole = width.denominator == 1 or kind.muxer != MKV.muxer
        entry = replace(
            entry, display=(round(width), height, 0) if whole else (ratio.numerator, ratio.denominator, _RATIO)
        )
    return entry if entry.tag or entry.codec or entry.display else None


def own_suffix(media: MediaInfo) -> str:
    """The suffix of the container that holds all that the video has: its own."""
    if "matroska" in media.container.split(","):
        return ".webm" if media.path.suffix.lower() == ".webm" else ".mkv"
    return ".mov" if media.path.suffix.lower() in (".mov", ".qt") else ".mp4"


def _add_attachment(output: Output, stream: Any) -> None:
    if stream.type == "attachment":
        output.container.add_attachment(stream.name or "attachment", stream.mimetype or "", stream.data)
        return
    with open_media(Path(stream.container.name.removeprefix("file:"))) as again:
        data = next(bytes(packet) for packet in again.demux(again.streams[stream.index]) if packet.size)
    suffix, mimetype = ("png", "image/png") if stream.codec_context.name == "png" else ("jpg", "image/jpeg")
    name = stream.metadata.get("filename", f"cover.{suffix}")
    output.container.add_attachment(name, stream.metadata.get("mimetype", mimetype), data)


def _leave_out(written: Written, stream: Any, reason: str) -> None:
    name = stream.metadata.get("filename") or stream.metadata.get("handler_name") or ""
    written.left_out.append({"stream": stream.index, "kind": stream.type, "name": name, "reason": reason})
    shown = f"{stream.type}, {name}" if name else stream.type
    written.notes.append(f"Stream {stream.index} ({shown}) was left out: {reason}.")


def is_cover(stream: Any) -> bool:
    """Whether a stream is a cover picture."""
    from av.stream import Disposition

    return stream.type == "video" and bool(stream.disposition & Disposition.attached_pic)
