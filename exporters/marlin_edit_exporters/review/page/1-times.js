"use strict";
// Clock text, time code and frames. Frames count from the source's zero; a rate is exact, [numerator, denominator].

const TOLERANCE = 0.0001; // seconds before a frame's time that still count as its own

function clockText(milliseconds) {
  const two = (number) => String(number).padStart(2, "0");
  const seconds = Math.floor(milliseconds / 1000);
  const part = String(milliseconds % 1000).padStart(3, "0");
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${part}`;
}

function secondsText(seconds) {
  return clockText(Math.max(0, Math.round(seconds * 1000)));
}

// The label of a frame of the source, its start time code included; labels wrap at 24 hours.
function timecodeText(source, frame) {
  const base = Math.ceil(source.rate[0] / source.rate[1]);
  let number = source.start + frame;
  if (source.drop) {
    const skipped = base / 15;
    const minute = base * 60 - skipped;
    const ten = minute * 10 + skipped;
    number %= ten * 144;
    const tens = Math.floor(number / ten);
    const rest = number % ten;
    number += skipped * (9 * tens + (rest < base * 60 ? 0 : 1 + Math.floor((rest - base * 60) / minute)));
  }
  number %= base * 86400;
  const two = (part) => String(part).padStart(2, "0");
  const seconds = Math.floor(number / base);
  const frames = String(number % base).padStart(String(base - 1).length, "0");
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(":");
  return clock + (source.drop ? ";" : ":") + frames;
}

// When a frame is presented, in seconds from zero.
function timeOfFrame(source, frame) {
  if (source.times) {
    return frame < source.times.length ? source.times[frame] : source.length;
  }
  return (frame * source.rate[1]) / source.rate[0];
}

// The frame that is shown at a time.
function frameAt(source, seconds) {
  let frame;
  if (source.times) {
    let low = 0;
    let high = source.times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (source.times[middle] <= seconds + TOLERANCE) low = middle + 1;
      else high = middle;
    }
    frame = low - 1;
  } else {
    frame = Math.floor(((seconds + TOLERANCE) * source.rate[0]) / source.rate[1]);
  }
  return Math.max(0, Math.min(frame, source.count - 1));
}

// The first frame that is presented at a time or after it: where a span begins, and the first that it no longer has.
function firstFrameAt(source, seconds) {
  const frame = frameAt(source, Math.max(0, seconds));
  return timeOfFrame(source, frame) < seconds - TOLERANCE ? Math.min(frame + 1, source.count) : frame;
}

// Seconds of what a person writes, 12.5 or 1:02.5 or 00:01:02.500; null for anything else.
function secondsOf(text) {
  const parts = text.trim().replace(",", ".").split(":");
  if (parts.length > 3 || !parts.every((part) => /^\d+(\.\d+)?$/.test(part))) return null;
  return parts.reduce((seconds, part) => seconds * 60 + Number(part), 0);
}

// The frame whose own time is nearest: containers round the times of frames, to whole milliseconds at worst.
function frameNearest(source, seconds) {
  const frame = frameAt(source, seconds);
  if (frame + 1 >= source.count) return frame;
  const later = timeOfFrame(source, frame + 1) - seconds;
  return later < seconds - timeOfFrame(source, frame) ? frame + 1 : frame;
}

// Inside of a frame, a player shows that frame however it rounds; before its middle, the frame is also the nearest one.
function insideFrame(source, frame) {
  const [begin, end] = [timeOfFrame(source, frame), timeOfFrame(source, frame + 1)];
  return begin + (end - begin) * 0.4;
}
