"""What a file's tags and pictures tell: start time code, rotation, scan and colour."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from marlin_edit.errors import MarlinEditError
from marlin_edit.media.info import Colour, Scan
from marlin_edit.timebase import (
    FrameRate,
)

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream


class Tags:
    """Metadata of the chosen stream, then of time code streams, then of the container; names in any case."""

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        sources: list[Mapping[str, str]] = [stream.metadata]
        sources += [other.metadata for other in container.streams if other.type == "data"]
        sources.append(container.metadata)
        self._sources = [{name.lower(): text for name, text in source.items()} for source in sources]

    def find(self, *names: str) -> str | None:
        """The first of these tags that is set."""
        for source in self._sources:
            for name in names:
                if source.get(name, "").strip():
                    return source[name].strip()
        return None


def start_of(label: str, rate: FrameRate) -> tuple[FrameRate, int | None, list[str]]:
    """The rate with the label's kind of counting, and the label's frame number, or None and a note."""
    drop_frame = re.fullmatch(r"\d{1,2}:\d{2}:\d{2}[;.,]\d{2,3}", label) is not None
    try:
        counting = FrameRate(rate.value, drop_frame)
        return counting, counting.frame_of(label), []
    except MarlinEditError:
        return rate, None, [f"The start time code {label!r} does not exist at {rate.name} fps, so it is left out."]


def rotation_of(frame: VideoFrame | None) -> int:
    """Degrees clockwise, to the nearest quarter turn; FFmpeg tells it counter-clockwise."""
    return 0 if frame is None else round(-frame.rotation / 90) * 90 % 360


def scan_of(field_order: int, interlaced: bool) -> Scan:
    """FFmpeg's AVFieldOrder: 2 and 5 show the top field first, 3 and 4 the bottom field."""
    if field_order in (3, 4):
        return Scan.BOTTOM_FIRST
    return Scan.TOP_FIRST if interlaced or field_order in (2, 5) else Scan.PROGRESSIVE


def colour_of(stream: VideoStream, frame: VideoFrame | None) -> Colour:
    """The colour that a stream declares, or its frame if the stream does not."""

    def named(names: Mapping[int, str], attribute: str) -> str | None:
        for source in (stream.codec_context, frame):
            name = names.get(int(getattr(source, attribute, 2)))
            if name is not None:
                return name
        return None

    return Colour(
        primaries=named(_PRIMARIES, "color_primaries"),
        transfer=named(_TRANSFERS, "color_trc"),
        matrix=named(_MATRICES, "colorspace"),
        range=named(_RANGES, "color_range"),
    )


# ITU-T H.273, under FFmpeg's names.
_PRIMARIES = {
    1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020", 10: "smpte428",
    11: "smpte431", 12: "smpte432", 22: "ebu3213",
}  # fmt: skip
_TRANSFERS = {
    1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear", 9: "log100", 10: "log316",
    11: "iec61966-2-4", 12: "bt1361e", 13: "iec61966-2-1", 14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084",
    17: "smpte428", 18: "arib-std-b67",
}  # fmt: skip
_MATRICES = {
    0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco", 9: "bt2020nc",
    10: "bt2020c", 14: "ictcp",
}  # fmt: skip
_RANGES = {1: "tv", 2: "pc"}
