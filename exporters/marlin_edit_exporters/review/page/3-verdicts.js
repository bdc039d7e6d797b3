// What a person changes, verdicts, texts and times: taken back, kept by the browser until it is saved, and saved as an
// analysis file.

const STORE = `marlin-edit review ${facts.id}`;
const changesOfVerdicts = [];
const undoing = [];
let keeps = true;

const keyOf = (entry) => (entry.kind === "findings" ? "" : `${entry.kind}/`) + `${entry.source.number}/${entry.place}`;

function judge(entry, verdict) {
  change(entry, { verdict });
}

function change(entry, changes) {
  const state = { ...stateOf(entry), ...changes };
  if (isSame(entry, state)) return;
  undoing.push([entry, stateOf(entry)]);
  setState(entry, state);
}

function setState(entry, state) {
  takeState(entry, state);
  keepChanges();
  for (const tell of changesOfVerdicts) tell(entry);
}

function takeState(entry, state) {
  const moved = entry.start !== state.start || entry.end !== state.end;
  Object.assign(entry, state, { search: state.text.toLowerCase() });
  if (moved && hasFrames(entry.source)) {
    entry.first = firstFrameAt(entry.source, entry.start / 1000);
    entry.stop = Math.max(entry.first + 1, firstFrameAt(entry.source, entry.end / 1000));
  }
}

// Takes the last change back; gives its entry, or undefined where there is none.
function undo() {
  const last = undoing.pop();
  if (last) setState(...last);
  return last?.[0];
}

function unsavedCount() {
  return entries.reduce((number, entry) => number + !isSame(entry, entry.saved), 0);
}

function keepChanges() {
  const now = {};
  const saved = {};
  for (const entry of entries) {
    if (!isSame(entry, entry.given)) now[keyOf(entry)] = kept(entry);
    if (!isSame(entry.saved, entry.given)) saved[keyOf(entry)] = kept(entry.saved);
  }
  try {
    localStorage.setItem(STORE, JSON.stringify({ now, saved }));
    keeps = true;
  } catch {
    keeps = false;
  }
}

const kept = ({ verdict, text, start, end }) => ({ verdict: verdict ?? "", text, start, end });

function takeKeptChanges() {
  try {
    const stored = JSON.parse(localStorage.getItem(STORE) ?? "{}");
    for (const entry of entries) {
      takeState(entry, stateFrom(stored.now?.[keyOf(entry)], entry));
      entry.saved = stateFrom(stored.saved?.[keyOf(entry)], entry);
    }
  } catch {
    keeps = false;
  }
}

// A state as it was kept; what is not there, or is no such state, is as it was given.
function stateFrom(stored, entry) {
  const given = entry.given;
  if (!stored || typeof stored !== "object") return { ...given };
  const verdict = ["accepted", "rejected"].includes(stored.verdict) ? stored.verdict : stored.verdict === "" ? null : given.verdict;
  const { text, start, end } = stored;
  const whole = typeof text === "string" && Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start < end;
  return canEdit(entry) && whole ? { verdict, text, start, end } : { ...given, verdict };
}

addEventListener("beforeunload", (event) => {
  if (!keeps && unsavedCount()) event.preventDefault();
});

// The analysis with the verdicts. Its times are texts; other numbers stay as they are written where the browser can.
function judgedDocument() {
  const exact = (_, value, context) =>
    typeof value === "number" && context && JSON.rawJSON ? JSON.rawJSON(context.source) : value;
  const analysis = JSON.parse(byId("analysis").textContent, exact);
  const told = documentsOf(analysis);
  for (const source of sources) {
    if (told[source.number].media) told[source.number].media.path = pathToSave(source);
    delete told[source.number].results; // whoever reads the file counts them again
  }
  for (const entry of findings) {
    const finding = told[entry.source.number].findings[entry.place];
    if (entry.verdict) finding.verdict = entry.verdict;
    else delete finding.verdict;
    if ("accepted" in finding) finding.accepted = !isRejected(entry);
  }
  for (const entry of entries.filter(canEdit)) saveChanges(entry, told[entry.source.number][entry.kind][entry.place]);
  return laidOut(analysis) + "\n";
}

// Times that nobody changed stay exact. What a person wrote has no words with times, and is not unsure.
function saveChanges(entry, told) {
  const { text, start, end } = entry.given;
  if (entry.text !== text) {
    told.text = entry.text;
    delete told.runs;
  }
  if (entry.start !== start) told.start = String(entry.start / 1000);
  if (entry.end !== end) told.end = String(entry.end / 1000);
  if (entry.kind === "speech" && (entry.text !== text || entry.start !== start || entry.end !== end)) {
    delete told.words;
    delete told.confidence;
  }
}

// Where the file is saved is for the browser to say, and rarely beside the page: a relative path becomes whole.
function pathToSave(source) {
  const path = source.about.media.path;
  if (!source.relative || location.protocol !== "file:") return path;
  try {
    const url = new URL(source.url, location.href);
    const whole = decodeURIComponent(url.pathname);
    if (url.host) return `//${url.host}${whole}`;
    return /^\/[A-Za-z]:/.test(whole) ? whole.slice(1) : whole;
  } catch {
    return path;
  }
}

// JSON with a line for each entry of a list.
function laidOut(value) {
  const parts = Object.entries(value).map(([key, part]) => {
    let text = JSON.stringify(part);
    if (Array.isArray(part) && part.some((item) => item && typeof item === "object" && !Array.isArray(item))) {
      const line = key === "sources" ? laidOut : JSON.stringify;
      text = `[\n  ${part.map((item) => line(item)).join(",\n  ")}\n ]`;
    }
    return ` ${JSON.stringify(key)}: ${text}`;
  });
  return `{\n${parts.join(",\n")}\n}`;
}

function saveVerdicts() {
  const url = URL.createObjectURL(new Blob([judgedDocument()], { type: "application/json" }));
  const link = element("a");
  link.href = url;
  link.download = `${facts.title.replace(/[\p{Cc}\/\\:*?"<>|]/gu, "_")}.judged.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
  for (const entry of entries) entry.saved = stateOf(entry);
  keepChanges();
  return link.download;
}
