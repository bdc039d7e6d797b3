// What the page is of: the sources, and their scenes, events and findings as entries of one kind of value.

const byId = (id) => document.getElementById(id);

// An element with a class and a text. Texts only ever become text: nothing here takes markup.
function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

const facts = JSON.parse(byId("facts").textContent);
const KINDS = ["findings", "events", "scenes"];
const SAID = { findings: "finding", events: "event", scenes: "scene" };

// Runs of [step, how often] to the times of frames in seconds.
function timesOfFrames(runs, base) {
  const times = [];
  let pts = 0;
  for (const [step, often] of runs) {
    for (let turn = 0; turn < often; turn++) {
      pts += step;
      times.push((pts * base[0]) / base[1]);
    }
  }
  return Float64Array.from(times);
}

function documentsOf(analysis) {
  return analysis.sources || [analysis];
}

const documents = documentsOf(JSON.parse(byId("analysis").textContent));

const sources = facts.sources.map((given, number) => {
  const times = given.times ? timesOfFrames(given.times, given.base) : null;
  return { ...given, number, times, length: given.milliseconds / 1000, about: documents[number], entries: [] };
});

// start, end: milliseconds. first, stop: frames, null where there are none. saved: the verdict as a file has it.
function entryOf(source, kind, place, told) {
  const [start, end, first, stop, query = null] = source[kind][place];
  const text = source.shown[kind][place] ?? told.text ?? told.query ?? "";
  const verdict = told.verdict ?? null;
  const about = { score: told.score ?? null, grade: told.grade, reason: told.reason, signals: told.signals ?? {}, flags: told.flags ?? [], origin: told.origin };
  const unlikely = kind === "findings" && source.unlikely.has(place);
  const named = { source, kind, place, start, end, first, stop, query, text, search: text.toLowerCase() };
  return { ...named, ...about, verdict, saved: verdict, given: verdict, unlikely, row: null, shown: true };
}

for (const source of sources) {
  source.unlikely = new Set(source.unlikely);
  for (const kind of KINDS) {
    documents[source.number][kind].forEach((told, place) => source.entries.push(entryOf(source, kind, place, told)));
  }
  source.entries.sort((one, other) => one.start - other.start || one.end - other.end);
}

const entries = sources.flatMap((source) => source.entries);
entries.forEach((entry, order) => (entry.order = order));
const findings = entries.filter((entry) => entry.kind === "findings");

// A person's word comes first, then what the score says.
function isRejected(entry) {
  if (entry.kind !== "findings") return false;
  return entry.verdict ? entry.verdict === "rejected" : entry.unlikely;
}

function placeText(entry, frame, milliseconds) {
  return entry.source.timecode && frame !== null ? timecodeText(entry.source, frame) : clockText(milliseconds);
}

function startText(entry) {
  return placeText(entry, entry.first, entry.start);
}

function spanText(entry) {
  return `${startText(entry)} – ${placeText(entry, entry.stop, entry.end)}`;
}

function clockSpanText(entry) {
  return `${clockText(entry.start)} – ${clockText(entry.end)}`;
}

function colourOf(entry) {
  if (entry.kind === "findings") return facts.queries[entry.query][1];
  return entry.kind === "events" ? "blue" : "grey";
}

function scoreText(entry) {
  return entry.score === null ? (entry.grade ?? "not scored") : `score ${entry.score.toFixed(2)}`;
}

// What stands of a finding, in words.
function stateText(entry) {
  if (entry.verdict) return `${entry.verdict} by you, ${scoreText(entry)}`;
  const threshold = entry.source.about.threshold;
  if (entry.score === null && entry.grade) return `${entry.grade}: ${entry.reason}`;
  if (entry.score === null) {
    return entry.unlikely ? "not scored: no supporting evidence" : "not scored: check it";
  }
  if (typeof threshold !== "number") return scoreText(entry);
  return `${scoreText(entry)}, ${entry.unlikely ? "below" : "at least"} the threshold ${threshold.toFixed(2)}`;
}
