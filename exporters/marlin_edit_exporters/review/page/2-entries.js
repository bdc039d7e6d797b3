// What the page is of: the sources, and their scenes, events, findings and utterances as entries of one kind of value.

const byId = (id) => document.getElementById(id);

// An element with a class and a text. Texts only ever become text: nothing here takes markup.
function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

const facts = JSON.parse(byId("facts").textContent);
const KINDS = ["findings", "events", "scenes", "speech"];
const SAID = { findings: "finding", events: "event", scenes: "scene", speech: "utterance" };
const UNSURE = 0.5; // the confidence below which a person has to check a word

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
  const heard = { words: kind === "speech" ? (told.words ?? []) : [], speaker: told.speaker ?? "", said: told.source === "said", quote: told.quote ?? "" };
  const about = { score: told.score ?? null, grade: told.grade, reason: told.reason, signals: told.signals ?? {}, flags: told.flags ?? [], origin: told.origin };
  const unlikely = kind === "findings" && source.unlikely.has(place);
  const named = { source, kind, place, start, end, first, stop, query, text, search: text.toLowerCase() };
  const entry = { ...named, ...heard, ...about, verdict, unlikely, row: null, shown: true };
  return { ...entry, given: stateOf(entry), saved: stateOf(entry) };
}

// What a person can change of an entry.
function stateOf({ verdict, text, start, end }) {
  return { verdict, text, start, end };
}

function isSame(one, other) {
  return one.verdict === other.verdict && one.text === other.text && one.start === other.start && one.end === other.end;
}

// Whether the text and the times of an entry can be changed here: those of findings and scenes are the model's.
const canEdit = (entry) => entry.kind === "events" || entry.kind === "speech";

for (const source of sources) {
  source.unlikely = new Set(source.unlikely);
  for (const kind of KINDS) {
    (documents[source.number][kind] ?? []).forEach((told, place) => {
      if (kind !== "speech" || told.text) source.entries.push(entryOf(source, kind, place, told));
    });
  }
  source.entries.sort((one, other) => one.start - other.start || one.end - other.end);
}

const entries = sources.flatMap((source) => source.entries);
entries.forEach((entry, order) => (entry.order = order));
const findings = entries.filter((entry) => entry.kind === "findings");
const hasSpeech = entries.some((entry) => entry.kind === "speech");

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
  return { events: "blue", speech: "cyan" }[entry.kind] ?? "grey";
}

// The text with the words that the speech model was unsure of as marks, unless a person has changed it.
function textOf(entry) {
  const said = entry.words.map((word) => word.text).join("");
  const who = entry.speaker ? `${entry.speaker}: ` : "";
  if (!entry.words.length || said !== entry.text) return [document.createTextNode(who + (entry.text || "(no text)"))];
  const parts = [document.createTextNode(who)];
  for (const word of entry.words) {
    if ((word.confidence ?? 1) >= UNSURE) {
      parts.push(document.createTextNode(word.text));
      continue;
    }
    const mark = element("mark", "unsure", word.text.trim());
    mark.title = `The speech model was unsure of this word (${Math.round(word.confidence * 100)} %)`;
    parts.push(document.createTextNode(/^\s/.test(word.text) ? " " : ""), mark);
  }
  return parts;
}

function scoreText(entry) {
  if (entry.said) return entry.quote ? `said: “${entry.quote}”` : "said";
  return entry.score === null ? (entry.grade ?? "not scored") : `score ${entry.score.toFixed(2)}`;
}

// What stands of a finding, in words.
function stateText(entry) {
  if (entry.verdict) return `${entry.verdict} by you, ${scoreText(entry)}`;
  if (entry.said) return scoreText(entry);
  const threshold = entry.source.about.threshold;
  if (entry.score === null && entry.grade) return `${entry.grade}: ${entry.reason}`;
  if (entry.score === null) {
    return entry.unlikely ? "not scored: no supporting evidence" : "not scored: check it";
  }
  if (typeof threshold !== "number") return scoreText(entry);
  return `${scoreText(entry)}, ${entry.unlikely ? "below" : "at least"} the threshold ${threshold.toFixed(2)}`;
}
