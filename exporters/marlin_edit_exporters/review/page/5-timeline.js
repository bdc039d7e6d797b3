// The time line: a lane for scenes, events and each query of the source that is open; a click seeks.

const canvas = byId("canvas");
const LANE = 22;
const RULER = 22;
const range = { from: 0, to: 1 }; // the seconds that are seen
let lanes = [];
let drawing = false;

function lengthOfLine() {
  const last = Math.max(0, ...[at.source.length], at.source.entries.reduce((end, entry) => Math.max(end, entry.end), 0) / 1000);
  return last || 1;
}

function makeLanes() {
  const lane = (name, colour, kind, query = null) => ({ name, colour, kind, query, swatch: null });
  const kinds = new Set(at.source.entries.map((entry) => entry.kind));
  const queries = [...new Set(at.source.entries.filter((entry) => entry.kind === "findings").map((entry) => entry.query))];
  lanes = [];
  if (kinds.has("scenes")) lanes.push(lane("Scenes", "grey", "scenes"));
  if (kinds.has("events")) lanes.push(lane("Events", "blue", "events"));
  if (kinds.has("speech")) lanes.push(lane("Speech", "cyan", "speech"));
  for (const query of queries.sort((one, other) => one - other)) {
    lanes.push(lane(facts.queries[query][0], facts.queries[query][1], "findings", query));
  }
  byId("names").replaceChildren(
    ...lanes.map((one) => {
      const row = element("li");
      one.swatch = element("i", `swatch ${one.colour}`);
      const name = element("span", "", one.name);
      name.dir = "auto";
      name.title = one.name;
      row.append(one.swatch, name);
      return row;
    }),
  );
  wholeLine();
}

function laneOf(entry) {
  return lanes.findIndex((lane) => lane.kind === entry.kind && lane.query === entry.query);
}

let width = 1; // of the canvas; asking the browser for it each time would have it lay out the page
const xOf = (seconds) => ((seconds - range.from) / (range.to - range.from)) * width;
const secondsAt = (x) => range.from + (x / width) * (range.to - range.from);

function boxOf(entry) {
  const left = xOf(entry.start / 1000);
  return { left, width: Math.max(2, xOf(entry.end / 1000) - left), top: RULER + laneOf(entry) * LANE + 4, height: LANE - 8 };
}

function redraw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    draw();
  });
}

function draw() {
  const scale = devicePixelRatio || 1;
  width = canvas.parentElement.clientWidth || 1;
  const height = RULER + lanes.length * LANE;
  canvas.style.height = `${height}px`;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  const { color, borderTopColor, outlineColor } = getComputedStyle(canvas);
  drawRuler(pen, height, color, borderTopColor);
  const colours = lanes.map((lane) => getComputedStyle(lane.swatch).backgroundColor);
  for (const entry of at.source.entries) {
    if (!entry.shown || entry.end / 1000 < range.from || entry.start / 1000 > range.to) continue;
    drawEntry(pen, entry, boxOf(entry), colours[laneOf(entry)]);
  }
  if (chosen?.source === at.source && chosen.shown) {
    const box = boxOf(chosen);
    pen.strokeStyle = outlineColor;
    pen.lineWidth = 2;
    pen.strokeRect(box.left - 1, box.top - 2, box.width + 2, box.height + 4);
  }
  placePlayhead();
}

function drawEntry(pen, entry, box, colour) {
  pen.fillStyle = pen.strokeStyle = colour;
  pen.lineWidth = 1;
  if (isRejected(entry)) {
    pen.setLineDash([3, 2]);
    pen.strokeRect(box.left + 0.5, box.top + 0.5, Math.max(1, box.width - 1), box.height - 1);
    pen.setLineDash([]);
    return;
  }
  pen.globalAlpha = entry.kind === "findings" && !entry.verdict ? 0.75 : 1;
  pen.fillRect(box.left, box.top, Math.max(2, box.width - 0.5), box.height);
  pen.globalAlpha = 1;
  // Where one begins inside another is seen too.
  if (box.width > 6) pen.clearRect(box.left - 1, box.top, 1, box.height);
}

function drawRuler(pen, height, color, line) {
  const wished = ((range.to - range.from) / width) * 110;
  const steps = [0.04, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
  const wide = steps.find((one) => one >= wished) ?? Math.ceil(wished / 3600) * 3600;
  pen.font = `11px ${getComputedStyle(canvas).fontFamily}`;
  pen.lineWidth = 1;
  for (let number = Math.floor(range.from / wide); number * wide <= range.to; number++) {
    const seconds = number * wide;
    const x = Math.round(xOf(seconds)) + 0.5;
    pen.strokeStyle = line;
    pen.beginPath();
    pen.moveTo(x, 0);
    pen.lineTo(x, height);
    pen.stroke();
    pen.fillStyle = color;
    pen.fillText(rulerText(seconds), x + 4, 14);
  }
}

function rulerText(seconds) {
  if (at.source.timecode && hasFrames(at.source)) return timecodeText(at.source, frameAt(at.source, seconds));
  return secondsText(seconds).replace(/^00:/, "").replace(/\.000$/, "");
}

function placePlayhead() {
  const x = xOf(at.frame === null ? at.seconds : timeOfFrame(at.source, at.frame));
  const head = byId("playhead");
  head.hidden = x < 0 || x > width;
  head.style.transform = `translateX(${x}px)`;
}

function setRange(from, to) {
  const whole = lengthOfLine();
  const length = Math.min(whole, Math.max(0.2, to - from));
  range.from = Math.max(0, Math.min(from, whole - length));
  range.to = range.from + length;
  redraw();
}

const wholeLine = () => setRange(0, lengthOfLine());

function zoom(factor) {
  const seen = range.to - range.from;
  const inside = at.seconds >= range.from && at.seconds <= range.to;
  const middle = inside ? at.seconds : range.from + seen / 2;
  setRange(middle - ((middle - range.from) / seen) * seen * factor, middle + ((range.to - middle) / seen) * seen * factor);
}

// Turns the page when the place has left what is seen.
function followPlace() {
  const seen = range.to - range.from;
  if (at.seconds > range.to || at.seconds < range.from) setRange(at.seconds - seen * 0.1, at.seconds + seen * 0.9);
  else placePlayhead();
}

function entryAt(x, y) {
  const inside = (entry) => {
    const { left, width, top, height } = boxOf(entry);
    return entry.shown && x >= left - 2 && x <= left + width + 2 && y >= top - 4 && y < top + height + 4;
  };
  const found = at.source.entries.filter(inside);
  return found.sort((one, other) => one.end - one.start - (other.end - other.start))[0];
}

canvas.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  const { left, top } = canvas.getBoundingClientRect();
  const found = entryAt(event.clientX - left, event.clientY - top);
  // What is too narrow to aim inside of is meant as a whole.
  if (found && boxOf(found).width < 12) choose(found);
  else {
    if (found) choose(found, false);
    seekSeconds(secondsAt(event.clientX - left));
  }
  canvas.setPointerCapture(event.pointerId);
});
canvas.addEventListener("pointermove", (event) => {
  if (event.buttons & 1 && canvas.hasPointerCapture(event.pointerId) && event.movementX) {
    seekSeconds(secondsAt(event.clientX - canvas.getBoundingClientRect().left));
  }
});
canvas.addEventListener(
  "wheel",
  (event) => {
    if (!event.ctrlKey && !event.deltaX) return;
    event.preventDefault();
    if (event.ctrlKey) return zoom(event.deltaY > 0 ? 1.25 : 0.8);
    const moved = (event.deltaX / width) * (range.to - range.from);
    setRange(range.from + moved, range.to + moved);
  },
  { passive: false },
);
new ResizeObserver(redraw).observe(canvas.parentElement);
