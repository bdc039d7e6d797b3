"""What a track says of itself: what it is, that nobody wrote it, and on request what made it.

The video model sees and does not hear. Only a track of what a speech model heard is called captions.
"""

from __future__ import annotations

from marlin_edit.edit import Edit
from marlin_edit.settings import Settings
from marlin_edit.text import clean
from marlin_edit_exporters.subtitles.cues import Track

TITLE = "Visual descriptions, auto-generated"
CAPTIONS = "Captions, auto-generated"
SDH = "Captions with what is seen, auto-generated"

_WARNINGS = {
    "captions": f"{CAPTIONS}. A speech model wrote what it heard, and makes mistakes. Review them.",
    "sdh": f"{SDH}. A speech model wrote what it heard; in brackets is what a video model saw. Review them.",
}
_WARNING = f"{TITLE}. They describe what is seen, not what is heard. Review them."


def label(track: Track) -> str:
    """The track's title; a converted file's track is somebody else's, and says nothing of itself."""
    return "" if track.converted else {"captions": CAPTIONS, "sdh": SDH}.get(track.kind, TITLE)


def comments(edit: Edit, track: Track, settings: Settings) -> list[str]:
    """Lines for a format that has comments: what the track is, its models' notices, and on request its provenance."""
    models = [source.model for source in edit.sources if source.model is not None]
    lines = (
        [] if track.converted else [_WARNINGS.get(track.kind, _WARNING), *sorted({model.notice for model in models})]
    )
    if settings.value("subtitle_provenance", bool):
        lines += [f"Model: {name}" for name in sorted({str(model) for model in models})]
        lines += [f"Model profile: {name}" for name in sorted({model.profile for model in models if model.profile})]
        lines += [f"Source: {name}" for name in sorted({source.media.path.name for source in edit.sources})]
        lines.append(f"Made by marlin-edit with the rules {track.profile}")
    return [cleaned for line in lines if (cleaned := clean(line))]
