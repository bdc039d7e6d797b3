"""From events to cues that can be read, and the rules of a readable track.

`profiles` are the rules, kept as data; `line_breaks` makes lines, `timing` times, and `track` a whole track of an edit;
`lint` finds what breaks the rules in any cues, and `repair` mends it.
"""

from marlin_edit_exporters.subtitles.cues.track import EXTENDED, READY, shared_track, track_of
from marlin_edit_exporters.subtitles.cues.values import Cue, Track, joined

__all__ = ["EXTENDED", "READY", "Cue", "Track", "joined", "shared_track", "track_of"]
