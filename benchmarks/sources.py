"""Long sources for benchmarks, made of a short one."""

from __future__ import annotations

from pathlib import Path

import av


def repeat(passage: Path, target: Path, times: int, seconds: int) -> None:
    """Writes the packets of the passage's picture, which is so many seconds long, one time after the other."""
    with av.open(str(passage)) as source, av.open(str(target), "w") as container:
        given = source.streams.video[0]
        packets = [packet for packet in source.demux(given) if packet.size]
        assert given.time_base is not None
        ticks = int(seconds / given.time_base)
        written = container.add_stream_from_template(given)
        written.time_base = given.time_base
        for turn in range(times):
            for packet in packets:
                assert packet.pts is not None
                assert packet.dts is not None
                again = av.Packet(bytes(packet))
                again.pts, again.dts = packet.pts + turn * ticks, packet.dts + turn * ticks
                again.duration, again.time_base = packet.duration, given.time_base
                again.is_keyframe = packet.is_keyframe
                again.stream = written
                container.mux(again)
