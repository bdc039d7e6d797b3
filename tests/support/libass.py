"""What libass, which players and FFmpeg draw ASS with, shows of a file: its pictures, called in its library.

Debian: libass9 fonts-dejavu-core. Everything is drawn with one font file, and none of the machine's, so that the same
text always gives the same picture. In it the stand-ins of `{`, `}` and `\\` look like these, so that a text with them
can be written without any escape.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.support.subtitle_checkers import required

FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
STAND_INS = {"{": "\u2774", "}": "\u2775", "\\": "\ufe68"}
"""Of the same kind in Unicode (brackets that are mirrored; other punctuation), but nothing to libass."""

Picture = npt.NDArray[np.uint8]
_NO_FONTS_OF_THE_MACHINE = 0


_silent = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p)(lambda *_: None)
"""libass would tell of its versions on stderr."""


class _Image(ctypes.Structure):
    """ASS_Image: a bitmap of how much each pixel is covered, its colour and its place; a linked list."""


_Image._fields_ = [
    ("w", ctypes.c_int),
    ("h", ctypes.c_int),
    ("stride", ctypes.c_int),
    ("bitmap", ctypes.POINTER(ctypes.c_ubyte)),
    ("colour", ctypes.c_uint32),
    ("x", ctypes.c_int),
    ("y", ctypes.c_int),
    ("next", ctypes.POINTER(_Image)),
]


def library() -> Any:
    """libass; the test is skipped where it, its font or fontTools is missing, and fails where they are required."""
    try:
        found = ctypes.CDLL(ctypes.util.find_library("ass") or "libass.so.9")
        import fontTools  # noqa: F401
    except (OSError, ImportError):
        found = None
    required(found is None or not FONT.is_file(), "libass (Debian: libass9 fonts-dejavu-core) and fontTools")
    assert found is not None
    for name in ("ass_library_init", "ass_renderer_init", "ass_read_memory"):
        getattr(found, name).restype = ctypes.c_void_p
    found.ass_render_frame.restype = ctypes.POINTER(_Image)
    return found


def font_with_stand_ins(path: Path) -> Path:
    """DejaVu Sans, which has no glyphs of its own for the stand-ins' code points, with those of `{`, `}` and `\\`."""
    from fontTools.ttLib import TTFont

    font = TTFont(FONT)
    for table in font["cmap"].tables:
        if table.isUnicode():
            table.cmap |= {ord(other): table.cmap[ord(own)] for own, other in STAND_INS.items()}
    font.save(path)
    return path


@contextmanager
def renderer(font: Path, width: int = 1280, height: int = 720) -> Iterator[Any]:
    """Gives a function that draws an ASS file's text at a time in milliseconds: how bright each pixel is, on grey."""
    ass = library()
    root = ctypes.c_void_p(ass.ass_library_init())
    ass.ass_set_message_cb(root, _silent, None)
    drawing = ctypes.c_void_p(ass.ass_renderer_init(root))
    ass.ass_set_frame_size(drawing, width, height)
    ass.ass_set_fonts(drawing, str(font).encode(), None, _NO_FONTS_OF_THE_MACHINE, None, 1)

    def drawn(text: str, at: int) -> Picture:
        content = text.encode()
        track = ctypes.c_void_p(ass.ass_read_memory(root, content, ctypes.c_size_t(len(content)), None))
        assert track.value, "libass reads no track"
        images = ass.ass_render_frame(drawing, track, ctypes.c_longlong(at), None)
        picture = np.full((height, width), 128.0)
        while images:
            image = images.contents
            if image.w and image.h:
                length = image.stride * (image.h - 1) + image.w
                flat = np.zeros(image.stride * image.h, np.uint8)
                flat[:length] = np.ctypeslib.as_array(image.bitmap, (length,))
                cover = flat.reshape(image.h, image.stride)[:, : image.w] / 255 * (1 - (image.colour & 255) / 255)
                place = picture[image.y : image.y + image.h, image.x : image.x + image.w]
                place += (((image.colour >> 24) & 255) - place) * cover
            images = image.next
        ass.ass_free_track(track)
        return picture.round().astype(np.uint8)

    try:
        yield drawn
    finally:
        ass.ass_renderer_done(drawing)
        ass.ass_library_done(root)
