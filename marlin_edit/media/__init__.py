"""What a media file is: its rate, start time code, reel, streams, rotation, fingerprint, and when each frame is shown.

Zero is the first presented frame of the chosen video stream, after edit lists (the first audio sample where there is
no video). All times here count from it; `MediaInfo.zero` tells where it lies on the container's own clock.
"""

from marlin_edit.media.container import decoded_frames, open_media, packets_of, seek_before
from marlin_edit.media.fingerprints import fingerprint
from marlin_edit.media.frame_index import order_frames, stores_no_times
from marlin_edit.media.info import VIDEO_SUFFIXES, Colour, FrameTimes, MediaInfo, Scan, Stream
from marlin_edit.media.prober import need_picture, probe, probe_video

__all__ = [
    "VIDEO_SUFFIXES",
    "Colour",
    "FrameTimes",
    "MediaInfo",
    "Scan",
    "Stream",
    "decoded_frames",
    "fingerprint",
    "need_picture",
    "open_media",
    "order_frames",
    "packets_of",
    "probe",
    "probe_video",
    "seek_before",
    "stores_no_times",
]
