"""What a track says of itself: what it is, that nobody wrote it, and on request what made it.

The model sees and does not hear. So no track of ours is ever called captions, or subtitles for the deaf.
"""

from __future__ import annotations

from marlin_edit.edit import Edit
from marlin_edit.settings import Settings
from marlin_edit.text import clean
from marlin_edit_exporters.subtitles.cues import Track

TITLE = "Visual descriptions, auto-generated"
_WARNING = f"{TITLE}. They describe what is seen, not what is heard. Review them."


def label(track: Track) -> str:
    """The track's title; a converted file's track is somebody else's, and says nothing of itself."""
    return "" if track.converted else TITLE


def comments(edit: Edit, track: Track, settings: Settings) -> list[str]:
    """Lines for a format that has comments: what the track is, its models' notices, and on request its provenance."""
    models = [source.model for source in edit.sources if source.model is not None]
    lines = [] if track.converted else [_WARNING, *sorted({model.notice for model in models})]
    if settings.value("subtitle_provenance", bool):
        lines += [f"Model: {name}" for name in sorted({str(model) for model in models})]
        lines += [f"Model profile: {name}" for name in sorted({model.profile for model in models if model.profile})]
        lines += [f"Source: {name}" for name in sorted({source.media.path.name for source in edit.sources})]
        lines.append(f"Made by marlin-edit with the rules {track.profile}")
    return [cleaned for line in lines if (cleaned := clean(line))]
