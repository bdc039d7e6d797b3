"""A subtitle track as each container takes it: its stream, its packets, and what is patched into the finished file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from io import BytesIO
from typing import Any

from marlin_edit.analysis import TextRun
from marlin_edit.app import App
from marlin_edit.text import counted
from marlin_edit_ffmpeg.attach.cue_texts import SubtitleFile, TimedText, rendered, texts_as
from marlin_edit_ffmpeg.attach.languages import UNKNOWN, codes_of, lost_in_codes
from marlin_edit_ffmpeg.attach.matroska import WEBVTT, Entry
from marlin_edit_ffmpeg.attach.mov_text import HEADER, Piece, pieces_of, sample_of
from marlin_edit_ffmpeg.attach.track_kind import DISPOSITIONS, Label
from marlin_edit_ffmpeg.containers import MKV, MOV, WEBM, Container

_COMMENTS = 1  # RFC 9559, 5.1.3.5.2.3: the one kind of additions that needs no description


@dataclass(frozen=True)
class TextPacket:
    """A packet of a track, in milliseconds. additions: side data of the packet, by FFmpeg's name."""

    start: int
    end: int
    data: bytes
    additions: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True)
class Prepared:
    """A track that is ready to be written.

    Attributes:
        file: The file that it comes from.
        label: What it is.
        codec: What it becomes, in FFmpeg's name.
        packets: Its packets, in order of time.
        cues: How many cues they show.
        header: What its stream begins with, for `mov_text` and `ass`.
        entry: What is put into a Matroska file afterwards.
        notes: What could not be kept.
    """

    file: SubtitleFile
    label: Label
    codec: str
    packets: tuple[TextPacket, ...]
    cues: int
    header: bytes = b""
    entry: Entry | None = None
    notes: tuple[str, ...] = ()


def prepared(app: App, file: SubtitleFile, label: Label, kind: Container) -> Prepared:
    """A track as a container takes it."""
    if kind.edit_list:
        made = _timed_text(file, label)
    elif kind is WEBM:
        made = _webvtt_of_webm(app, file, label)
    elif file.format == "ass":
        made = _advanced(app, file, label)
    elif file.format == "vtt":
        made = _webvtt(app, file, label)
    else:
        made = _subrip(app, file, label)
    notes = [f"{file.path.name}: {note}" for note in made.notes]
    if kind is not MKV and lost_in_codes(label.language):
        code = codes_of(label.language).own
        notes.append(
            f"{file.path.name}: {kind.name} has three letters for a language: {label.language} is {code} in it."
        )
    if label.language == UNKNOWN:
        notes.append(f"{file.path.name} does not say its language. Add --track-language.")
    return replace(made, notes=tuple(notes))


def add_stream(output: Any, track: Prepared, kind: Container) -> Any:
    """The stream of a track in a file that is to be written."""
    from av.stream import Disposition

    codes = codes_of(track.label.language)
    if track.codec == "mov_text":
        stream = output.add_stream("mov_text")
        stream.codec_context.subtitle_header = track.header
        if kind is MOV:
            stream.codec_context.codec_tag = "tx3g"  # FFmpeg would take QuickTime's older text, with this content
        stream.metadata.update({"handler_name": track.label.title, "language": codes.own})
    elif track.codec == "ass":
        with _opened(track.header) as opened:
            stream = output.add_stream_from_template(opened.streams[0], opaque=True)
    else:
        # FFmpeg has no WebVTT as Matroska has it: it is written as plain text, and named afterwards.
        stream = output.add_mux_stream("webvtt" if kind is WEBM else "subrip")
    stream.time_base = Fraction(1, 1000)
    stream.metadata["title"] = track.label.title
    if not kind.edit_list:
        stream.metadata["language"] = track.entry.padding if track.entry is not None else codes.english
    stream.disposition = reduce(
        lambda one, other: one | other, (int(Disposition[mark]) for mark in DISPOSITIONS[track.label.kind]), 0
    )
    return stream


def packet_of(packet: TextPacket, stream: Any, offset: int) -> Any:
    """FFmpeg's packet, `offset` milliseconds later."""
    import av
    from av.packet import PacketSideData, packet_sidedata_type_from_literal

    made: Any = av.Packet(packet.data)
    made.stream = stream
    made.time_base = Fraction(1, 1000)
    made.pts = made.dts = packet.start + offset
    made.duration = packet.end - packet.start
    made.is_keyframe = True
    for name, content in packet.additions:
        data: Any = PacketSideData(packet_sidedata_type_from_literal(name), len(content))  # type: ignore[arg-type, call-arg]
        data.update(content)
        made.set_sidedata(data)
    return made


def _timed_text(file: SubtitleFile, label: Label) -> Prepared:
    events = file.analysis.events
    cues = [
        Piece(start, end, event.runs or (TextRun(event.text),))
        for (start, end), event in zip(file.spans, events, strict=True)
    ]
    pieces = pieces_of(cues)
    notes = list(file.analysis.media.notes)
    if len(pieces) != len(cues) or {piece.runs for piece in pieces} != {cue.runs for cue in cues}:
        notes.append(
            f"Cues overlap, which mov_text cannot: {counted(len(cues), 'cue')} are {len(pieces)} pieces with all texts."
        )
    lost = sum(bool(event.place) or any(run.look.speaker for run in event.runs) for event in events)
    if lost:
        notes.append(f"Places and speakers of {counted(lost, 'cue')} were left out: mov_text has none.")
    packets = tuple(TextPacket(piece.start, piece.end, sample_of(piece)) for piece in pieces)
    return Prepared(file, label, "mov_text", packets, len(cues), HEADER, notes=tuple(notes))


def _subrip(app: App, file: SubtitleFile, label: Label) -> Prepared:
    texts = texts_as(app, file, "srt")
    packets = tuple(TextPacket(cue.start, cue.end, cue.text.encode()) for cue in texts.cues)
    return Prepared(file, label, "subrip", packets, len(packets), entry=_entry(label), notes=texts.notes)


def _webvtt(app: App, file: SubtitleFile, label: Label) -> Prepared:
    texts = texts_as(app, file, "vtt")
    packets = tuple(TextPacket(cue.start, cue.end, cue.text.encode(), _addition(cue)) for cue in texts.cues)
    note = (
        "FFmpeg's programs do not know WebVTT in Matroska; mkvtoolnix does. Attach a .srt for players that are made of "
        "FFmpeg."
    )
    entry = _entry(label, WEBVTT, texts.head.encode())
    return Prepared(file, label, "webvtt", packets, len(packets), entry=entry, notes=(*texts.notes, note))


def _addition(cue: TimedText) -> tuple[tuple[str, bytes], ...]:
    """Settings, name and comments of a cue, as Matroska has them beside its text; nothing if there are none."""
    if not (cue.settings or cue.name or cue.comments):
        return ()
    content = f"{cue.settings}\n{cue.name}\n{cue.comments}".encode()
    return (("matroska_block_additional", _COMMENTS.to_bytes(8, "big") + content),)


def _webvtt_of_webm(app: App, file: SubtitleFile, label: Label) -> Prepared:
    texts = texts_as(app, file, "vtt")
    packets = []
    for cue in texts.cues:
        named = (("webvtt_identifier", cue.name.encode()), ("webvtt_settings", cue.settings.encode()))
        packets.append(TextPacket(cue.start, cue.end, cue.text.encode(), tuple(one for one in named if one[1])))
    notes = texts.notes
    if "\n\n" in texts.head or any(cue.comments for cue in texts.cues):
        notes = (*notes, "Comments and styles outside the cues were left out: WebM has no place for them.")
    return Prepared(file, label, "webvtt", tuple(packets), len(packets), notes=notes)


def _advanced(app: App, file: SubtitleFile, label: Label) -> Prepared:
    text, notes = (file.text, ()) if file.text else rendered(app, file.analysis, "ass")
    packets = []
    with _opened(text.encode()) as opened:
        for packet in opened.demux():
            if packet.size:
                start = round(packet.pts * packet.time_base * 1000)
                packets.append(
                    TextPacket(start, start + round(packet.duration * packet.time_base * 1000), bytes(packet))
                )
    packets.sort(key=lambda packet: (packet.start, packet.end))
    return Prepared(file, label, "ass", tuple(packets), len(packets), text.encode(), _entry(label), notes)


def _opened(text: bytes) -> Any:
    """An .ass file as FFmpeg reads it: its packets are those of Matroska."""
    import av

    return av.open(BytesIO(text), format="ass", metadata_errors="replace")


def _entry(label: Label, codec: str = "", private: bytes = b"") -> Entry:
    return Entry(codes_of(label.language).english, label.language, codec, private)
