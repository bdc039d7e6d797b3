"""Advanced Authoring Format (`.aaf`), for Avid Media Composer: cuts, source time code, markers, tracks and channels.

Written with `pyaaf2` after Avid's own exports: a composition whose clips lead over a master mob to the file, and from
there to a tape that has the time code. Edit rates are exact fractions. Media stay where they are; the file names them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from marlin_edit.conform import (
    channels_of,
    check_standard_rate,
    file_name,
    file_stem,
    file_url,
    picture_size,
    reels_of,
    sample_rate_of,
    sounds,
)
from marlin_edit.edit import Edit
from marlin_edit.errors import MarlinEditError
from marlin_edit.interfaces import Context, Rendered
from marlin_edit.markers import MarkerColour, Put, Shown
from marlin_edit.media import MediaInfo, Scan, Stream
from marlin_edit.text import clean
from marlin_edit.timebase import FrameRange
from marlin_edit.timeline import Layout, Placed, laid_out

USER = "marlin-edit"
_PICTURE, _SOUND = "picture", "sound"
_COLOURS: dict[MarkerColour, tuple[str, tuple[int, int, int]]] = {
    MarkerColour.BLUE: ("Blue", (0, 0, 65535)),
    MarkerColour.GREEN: ("Green", (0, 65535, 0)),
    MarkerColour.YELLOW: ("Yellow", (65535, 65535, 0)),
    MarkerColour.RED: ("Red", (65535, 0, 0)),
    MarkerColour.PURPLE: ("Magenta", (65535, 0, 65535)),
    MarkerColour.CYAN: ("Cyan", (0, 65535, 65535)),
    MarkerColour.ORANGE: ("White", (65535, 65535, 65535)),
    MarkerColour.PINK: ("Black", (0, 0, 0)),
}
"""The eight colours of Avid's markers."""


def render(edit: Edit, context: Context) -> Rendered:
    """One sequence: the cuts, or the whole sources; made in `context.temporary`.

    Raises:
        MarlinEditError: `pyaaf2` is not installed, or the rate is none that Avid has.
    """
    check_standard_rate(edit, "An AAF", by_label=False)
    layout = laid_out(edit, context)
    try:
        import aaf2
    except ImportError as error:
        raise MarlinEditError("AAF is written with pyaaf2: pip install 'marlin-edit[aaf]'.") from error
    path = context.temporary / "sequence.aaf"
    with aaf2.open(str(path), "w") as file:
        _Writing(file, layout).write()
    return Rendered(path, layout.notes)


class _Writing:
    """One file on its way: which sources are in it already."""

    def __init__(self, file: Any, layout: Layout) -> None:
        self._file = file
        self._layout = layout
        self._edit = layout.edit
        self._rate = layout.edit.rate.value
        self._reels = reels_of(source.media for source in layout.sources)
        self._masters: dict[Path, Any] = {}

    def write(self) -> None:
        """The sequence, and everything that it leads to."""
        edit, layout = self._edit, self._layout
        composition = self._file.create.CompositionMob(clean(edit.title) or "Untitled")
        composition.usage = "Usage_TopLevel"
        self._add(composition, "composition", edit.title, str(edit.record_start), str(layout.length))
        clock = composition.create_timeline_slot(self._rate)
        clock.name = "TC1"
        clock["PhysicalTrackNumber"].value = 1
        clock.segment = self._timecode(edit.record_start, max(1, layout.length))
        pictures = []
        for number, track in enumerate(layout.tracks, 1):
            pictures.append(self._track(composition, track.name, number, track.placed, _PICTURE, lambda placed: 1))
        number = 0
        for sound in layout.sound_tracks:
            for channel in range(sound.channels):
                number += 1

                def slot_of(placed: Placed, sound: Any = sound, channel: int = channel) -> int:
                    return 2 + int(sound.first_channel_of(placed)) + channel

                self._track(composition, f"A{number}", number, sound.placed, _SOUND, slot_of)
        for picture, track in zip(pictures, layout.tracks, strict=True):
            self._markers(composition, picture, [shown for placed in track.placed for shown in placed.shown])

    def _track(
        self, composition: Any, name: str, number: int, placed: Sequence[Placed], kind: str, slot_of: Any
    ) -> Any:
        """A track of clips with fillers between them. slot_of: the slot of a part's master mob that it shows."""
        slot = composition.create_timeline_slot(self._rate)
        slot.name = clean(name)
        slot["PhysicalTrackNumber"].value = number
        sequence = self._file.create.Sequence(media_kind=kind)
        position = self._edit.record_start
        end = position + self._layout.length
        for one in placed:
            if one.record > position:
                sequence.components.append(self._file.create.Filler(kind, one.record - position))
            master = self._master(one.source.media)
            clip = master.create_source_clip(slot_of(one), one.frames.first, one.frames.count, kind)
            sequence.components.append(clip)
            position = one.record_stop
        if position < end:
            sequence.components.append(self._file.create.Filler(kind, end - position))
        sequence.length = max(0, end - self._edit.record_start)
        slot.segment = sequence
        return slot

    def _master(self, media: MediaInfo) -> Any:
        """The master mob of a source: its picture is slot 1, its channels of sound are 2, 3, ..."""
        if media.path in self._masters:
            return self._masters[media.path]
        length = max(1, media.frame_count)
        tape = self._file.create.SourceMob()
        self._add(tape, "tape", str(media.path))
        reel = clean(media.reel or "") or self._reels[media.path]
        tape.create_tape_slots(reel, self._rate, self._edit.rate.base, self._edit.rate.drop_frame, _PICTURE)
        master = self._file.create.MasterMob(file_stem(media))
        self._add(master, "master", str(media.path))
        tape.slots.value[0].segment.length = 2 * self._edit.rate.frames_per_day
        picture = self._essence(media, "picture", self._picture_of(media), length, _PICTURE)
        clip = tape.create_source_clip(1, media.start_frame, length, _PICTURE)
        picture.slots.value[0].segment = clip
        self._slot_of_master(master, picture, length, _PICTURE, "V1", 1)
        number = 0
        for stream in sounds(media):
            for _ in range(channels_of(stream)):
                number += 1
                essence = self._essence(media, f"sound {number}", self._sound_of(media, stream), length, _SOUND)
                self._slot_of_master(master, essence, length, _SOUND, f"A{number}", number)
        self._masters[media.path] = master
        return master

    def _essence(self, media: MediaInfo, what: str, descriptor: Any, length: int, kind: str) -> Any:
        """The mob of a file's picture, or of one channel of its sound."""
        mob = self._file.create.SourceMob()
        self._add(mob, what, str(media.path))
        mob.name = file_name(media)
        locator = self._file.create.NetworkLocator()
        locator["URLString"].value = file_url(media)
        descriptor["Locator"].append(locator)
        mob.descriptor = descriptor
        slot = mob.create_timeline_slot(self._rate, 1)
        clip = self._file.create.SourceClip(media_kind=kind)
        clip.start, clip.length = 0, length
        slot.segment = clip
        return mob

    def _slot_of_master(self, master: Any, essence: Any, length: int, kind: str, name: str, number: int) -> None:
        slot = master.create_timeline_slot(self._rate)
        slot.name = name
        slot["PhysicalTrackNumber"].value = number
        slot.segment = essence.create_source_clip(1, 0, length, kind)

    def _picture_of(self, media: MediaInfo) -> Any:
        width, height = picture_size(media)
        descriptor = self._file.create.CDCIDescriptor()
        descriptor["SampleRate"].value = self._rate
        descriptor["Length"].value = max(1, media.frame_count)
        descriptor["StoredWidth"].value = width
        descriptor["StoredHeight"].value = height
        descriptor["FrameLayout"].value = "FullFrame" if media.scan is Scan.PROGRESSIVE else "MixedFields"
        descriptor["VideoLineMap"].value = [1] if media.scan is Scan.PROGRESSIVE else [1, 2]
        descriptor["ImageAspectRatio"].value = Fraction(width, height) * media.pixel_aspect
        descriptor["ComponentWidth"].value = 8
        descriptor["HorizontalSubsampling"].value = 2
        return descriptor

    def _sound_of(self, media: MediaInfo, stream: Stream) -> Any:
        rate = sample_rate_of(stream)
        descriptor = self._file.create.PCMDescriptor()
        descriptor["SampleRate"].value = rate
        descriptor["AudioSamplingRate"].value = rate
        descriptor["Length"].value = int(media.duration * rate)
        descriptor["Channels"].value = 1
        descriptor["QuantizationBits"].value = 16
        descriptor["BlockAlign"].value = 2
        descriptor["AverageBPS"].value = rate * 2
        return descriptor

    def _timecode(self, start: int, length: int) -> Any:
        timecode = self._file.create.Timecode(self._edit.rate.base, self._edit.rate.drop_frame, length)
        timecode.start = start
        return timecode

    def _markers(self, composition: Any, track: Any, shown: Iterable[Shown]) -> None:
        """The markers of a picture track, in order; a frame has one, so a later one moves on to the next free frame."""
        ordered = sorted(shown, key=lambda one: one.record)
        if not ordered:
            return
        slot = self._file.create.EventMobSlot()
        slot["SlotID"].value = 1000 + track.slot_id
        slot["EditRate"].value = self._rate
        slot["PhysicalTrackNumber"].value = track["PhysicalTrackNumber"].value
        sequence = self._file.create.Sequence(media_kind="DescriptiveMetadata")
        last = -1
        for one in ordered:
            last = max(one.record - self._edit.record_start, last + 1)
            sequence.components.append(self._marker(one, last, track.slot_id))
        if "Length" in sequence:
            del sequence["Length"]
        slot.segment = sequence
        composition.slots.append(slot)

    def _marker(self, shown: Shown, position: int, slot_id: int) -> Any:
        # One that moved on tells the frames that it lies on now.
        record = position + self._edit.record_start
        later = record - shown.record
        frames = FrameRange(shown.frames.first + later, shown.frames.stop + later)
        comment = shown.marker.note(Put(shown.marker.id, frames, record, shown.marker.accepted))
        name, (red, green, blue) = _COLOURS[shown.marker.colour]
        marker = self._file.create.DescriptiveMarker()
        marker["Position"].value = position
        marker["Length"].value = shown.frames.count
        marker["Comment"].value = comment
        marker["CommentMarkerUser"].value = USER
        marker["CommentMarkerColor"].value = {"red": red, "green": green, "blue": blue}
        marker["DescribedSlots"].value = {slot_id}
        told = {
            "_ATN_CRM_COLOR": name,
            "_ATN_CRM_USER": USER,
            "_ATN_CRM_COM": comment,
            "_ATN_CRM_LENGTH": shown.frames.count,
            "_ATN_CRM_ID": hashlib.sha256(comment.encode()).hexdigest()[:32],
        }
        marker["CommentMarkerAttributeList"].value = [
            self._file.create.TaggedValue(key, value) for key, value in told.items()
        ]
        return marker

    def _add(self, mob: Any, *what: str) -> None:
        """Put a mob into the file, under an id that the same content always has."""
        from aaf2.mobid import MobID

        digest = hashlib.sha256("\0".join(what).encode("utf-8", "surrogatepass")).digest()
        # A UMID of SMPTE ST 330: its label, length and instance, then the material number.
        mob.mob_id = MobID(bytes_le=bytes.fromhex("060a2b340101010501010f1013000000") + digest[:16])
        self._file.content.mobs.append(mob)
