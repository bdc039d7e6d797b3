"""What goes along with picture and sound: text subtitles shifted and clipped, chapters, title, language, time code."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from marlin_edit.media import MediaInfo
from marlin_edit_ffmpeg.containers import Output

_OF_THE_FILE = ("major_brand", "minor_version", "compatible_brands", "encoder", "duration", "timecode", "bps")
_OF_THE_FILE_BEGINNINGS = ("number_of_", "_statistics", "duration-", "bps-")


class CopiedText:
    """Passes the lines of one text subtitle stream on that are seen between `begin` and `end`."""

    def __init__(self, stream: Any, output: Output, begin: Fraction, end: Fraction) -> None:
        self.stream = stream
        self.done = False
        self.errors = 0
        self._output, self._begin, self._end = output, begin, end
        self._empty_size = 2 if stream.codec_context is not None and stream.codec_context.name == "mov_text" else 0
        self.out: Any = output.container.add_stream_from_template(stream, opaque=True)
        self.out.time_base = Fraction(1, 1000)

    def take(self, packet: Any) -> None:
        """Take the next packet of the source."""
        import av

        if packet.size == 0:
            self.done = True
            return
        if packet.pts is None:
            return
        time = packet.pts * packet.time_base
        if time >= self._end:
            self.done = True
            return
        start, stop = max(time, self._begin), min(time + (packet.duration or 0) * packet.time_base, self._end)
        if stop <= start or packet.size <= self._empty_size:
            return
        copy: Any = av.Packet(bytes(packet))
        copy.stream = self.out
        copy.time_base = Fraction(1, 1000)
        copy.pts = copy.dts = round((start - self._begin) * 1000)
        copy.duration = max(1, round((stop - start) * 1000))
        copy.is_keyframe = True
        self._output.mux(copy)

    def finish(self) -> None:
        """Nothing is held back."""


def label_output(source: Any, output: Output, media: MediaInfo, first: int) -> str | None:
    """Title and other tags of the source, its chapters aside; and the start time code of frame `first`, returned."""
    output.container.metadata.update(kept_tags(source.metadata))
    if not media.has_timecode or media.rate is None or not output.kind.timecode:
        return None
    return media.timecode_of(first)


def label_stream(stream: Any, out: Any) -> None:
    """Copy a stream's metadata."""
    out.metadata.update(kept_tags(stream.metadata))
    out.disposition = int(stream.disposition)


def set_timecode(output: Output, video: Any, media: MediaInfo, timecode: str) -> None:
    """Where each container keeps it: a time code track of an mp4's video, a tag of a Matroska file."""
    if output.kind.edit_list:
        video.metadata["timecode"] = timecode
        if media.reel:
            video.metadata["reel_name"] = media.reel
    else:
        output.container.metadata["timecode"] = timecode


def chapters_between(source: Any, begin: Fraction, end: Fraction) -> list[Any]:
    """The source's chapters that lie in the clip, shifted and clipped."""
    kept = []
    for chapter in source.chapters():
        unit = chapter["time_base"]
        if unit is None:
            continue
        start, stop = max(chapter["start"] * unit, begin), min(chapter["end"] * unit, end)
        if start < stop:
            kept.append(
                {
                    "id": chapter["id"],
                    "start": round((start - begin) * 1000),
                    "end": round((stop - begin) * 1000),
                    "time_base": Fraction(1, 1000),
                    "metadata": dict(chapter["metadata"]),
                }
            )
    return kept


def set_chapters(output: Output, chapters: list[Any]) -> None:
    """Chapters into a file that is to be written. Ogg and FLAC hold them as comments (the Ogg Vorbis chapter
    extension), which FFmpeg's own writer dates a second late from the middle of a second on.
    """
    if output.kind.muxer not in ("ogg", "flac"):
        output.container.set_chapters(chapters)
        return
    for number, chapter in enumerate(chapters, 1):
        milliseconds = round(chapter["start"] * chapter["time_base"] * 1000)
        minutes, rest = divmod(milliseconds, 60_000)
        time = f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"
        output.container.metadata[f"CHAPTER{number:03}"] = time
        output.container.metadata[f"CHAPTER{number:03}NAME"] = chapter["metadata"].get("title", "")


def kept_tags(tags: dict[str, str]) -> dict[str, str]:
    """The tags of a source that say something of a copy of it as well."""
    return {
        name: text
        for name, text in tags.items()
        if name.lower() not in _OF_THE_FILE and not name.lower().startswith(_OF_THE_FILE_BEGINNINGS)
    }
