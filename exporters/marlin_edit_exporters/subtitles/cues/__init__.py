"""From events to cues that can be read, and the rules of a readable track.

`profiles` are the rules, kept as data; `breaking` makes lines, `scheduling` times, `telling` a whole track of an edit;
`linting` finds what breaks the rules in anybody's cues, and `mending` puts it right.
"""

from marlin_edit_exporters.subtitles.cues.track import READY, track_of
from marlin_edit_exporters.subtitles.cues.values import Cue, Track, joined

__all__ = ["READY", "Cue", "Track", "joined", "track_of"]
