// A person's verdicts: given, taken back, kept by the browser until they are saved, and saved as an analysis file.

const STORE = `marlin-edit review ${facts.id}`;
const changesOfVerdicts = [];
const undoing = [];
let keeps = true;

const keyOf = (entry) => `${entry.source.number}/${entry.place}`;

function judge(entry, verdict) {
  if (entry.verdict === verdict) return;
  undoing.push([entry, entry.verdict]);
  setVerdict(entry, verdict);
}

function setVerdict(entry, verdict) {
  entry.verdict = verdict;
  keepVerdicts();
  for (const tell of changesOfVerdicts) tell(entry);
}

// Takes the last change back; gives its entry, or undefined where there is none.
function undo() {
  const last = undoing.pop();
  if (last) setVerdict(...last);
  return last?.[0];
}

function unsavedCount() {
  return findings.reduce((number, entry) => number + (entry.verdict !== entry.saved), 0);
}

function keepVerdicts() {
  const now = {};
  const saved = {};
  for (const entry of findings) {
    if (entry.verdict !== entry.given) now[keyOf(entry)] = entry.verdict ?? "";
    if (entry.saved !== entry.given) saved[keyOf(entry)] = entry.saved ?? "";
  }
  try {
    localStorage.setItem(STORE, JSON.stringify({ now, saved }));
    keeps = true;
  } catch {
    keeps = false;
  }
}

function takeKeptVerdicts() {
  try {
    const kept = JSON.parse(localStorage.getItem(STORE) ?? "{}");
    for (const entry of findings) {
      entry.verdict = verdictOf(kept.now?.[keyOf(entry)], entry.given);
      entry.saved = verdictOf(kept.saved?.[keyOf(entry)], entry.given);
    }
  } catch {
    keeps = false;
  }
}

function verdictOf(kept, given) {
  if (kept === "") return null;
  return kept === "accepted" || kept === "rejected" ? kept : given;
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
  return laidOut(analysis) + "\n";
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
  for (const entry of findings) entry.saved = entry.verdict;
  keepVerdicts();
  return link.download;
}

takeKeptVerdicts();
