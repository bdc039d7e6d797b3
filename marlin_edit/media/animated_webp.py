"""Animated WebP, which FFmpeg's libraries cannot read: decoded by Pillow into an APNG, once in a process.

The APNG has every pixel, the transparency, and how long each frame is shown. It is a temporary file.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from fractions import Fraction
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from marlin_edit.errors import MarlinEditError

_MILLISECOND = Fraction(1, 1000)


def is_animated_webp(head: bytes) -> bool:
    """Whether a file that begins so is a WebP with several frames: RIFF, WEBP, and an ANIM chunk after VP8X."""
    return head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and bool(head[20:21]) and bool(head[20] & 2)


def as_apng(path: Path) -> Path:
    """A file that FFmpeg's libraries can read with the frames of a WebP.

    Raises:
        MarlinEditError: Pillow is not installed, or cannot read the file.
    """
    status = path.stat()
    return _converted(path.absolute(), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=64)
def _converted(path: Path, modified: int, size: int) -> Path:
    try:
        from PIL import Image, ImageSequence, UnidentifiedImageError
    except ImportError as error:
        raise MarlinEditError(
            f"{path.name} is an animated WebP, which is read with Pillow: pip install 'marlin-edit[webp]'. Or convert "
            "it to APNG or MP4 first."
        ) from error
    import av

    target = _folder() / f"{modified}-{size}-{path.stem[:40]}.apng"
    try:
        with Image.open(path) as picture:
            picture.seek(getattr(picture, "n_frames", 1) - 1)
            picture.load()
            last = _length(picture.info)
        # The muxer would show the last frame as long as the one before it.
        options = {"final_delay": f"{last}/1000"}
        with (
            Image.open(path) as picture,
            av.open(str(target), "w", format="apng", container_options=options) as container,
        ):
            stream = container.add_stream("apng", rate=1000)
            stream.width, stream.height = picture.size
            stream.pix_fmt = "rgba"
            stream.time_base = stream.codec_context.time_base = _MILLISECOND
            now = 0
            lengths: dict[int, int] = {}
            packets = []
            for frame in ImageSequence.Iterator(picture):
                shown = frame.convert("RGBA")
                video = av.VideoFrame.from_bytes(shown.tobytes(), *shown.size, format="rgba")
                video.pts, video.time_base = now, _MILLISECOND
                lengths[now] = _length(frame.info)
                now += lengths[now]
                packets += stream.encode(video)
            for packet in [*packets, *stream.encode(None)]:
                packet.duration = lengths.get(packet.pts if packet.pts is not None else -1, 1)
                container.mux(packet)
    except (UnidentifiedImageError, OSError, ValueError, EOFError) as error:
        target.unlink(missing_ok=True)
        raise MarlinEditError(f"{path.name} cannot be read: {error}.") from error
    return target


def _length(info: Mapping[str | tuple[int, int], Any]) -> int:
    """How long a frame is shown, in milliseconds; what browsers take where the file does not say it."""
    return max(1, round(info.get("duration") or 100))


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="marlin-edit-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
