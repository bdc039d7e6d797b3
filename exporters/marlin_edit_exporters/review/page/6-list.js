// The list: findings, rejected findings, events, scenes and speech, source by source; what the filters leave is shown.

const GROUPS = [
  ["findings", "Findings", "No findings."],
  ["rejected", "Rejected findings", "None is rejected."],
  ["events", "Events", "No events."],
  ["scenes", "Scenes", "No scenes."],
  ...(hasSpeech ? [["speech", "Speech", "Nothing is said."]] : []),
];
const lists = new Map(); // of a group and a source: its rows, in blocks that are laid out when they come into view
const BLOCK = 50;
const counts = new Map(); // of a group: where its number stands
let chosen = null;
let present = new Set();

const groupOf = (entry) => (isRejected(entry) ? "rejected" : entry.kind);

function makeList() {
  addKind("", "All");
  for (const [group, title, none] of GROUPS) {
    const box = element("section", "group");
    const heading = element("h3", "", `${title} `);
    heading.id = `group-${group}`;
    box.setAttribute("aria-labelledby", heading.id);
    counts.set(group, element("span", "count"));
    heading.append(counts.get(group));
    box.append(heading);
    for (const source of sources) {
      const part = element("div", "part");
      if (sources.length > 1) {
        const name = element("h4", "", source.name);
        name.dir = "auto";
        part.append(name);
      }
      if (group === "findings") {
        const unmatched = element("div");
        const fill = () => unmatched.replaceChildren(...asked(source));
        fill();
        changesOfVerdicts.push(fill);
        part.append(unmatched);
      }
      const rows = element("div", "rows");
      rows.setAttribute("role", "list");
      rows.setAttribute("aria-labelledby", heading.id);
      lists.set(`${group} ${source.number}`, rows);
      part.append(rows);
      box.append(part);
    }
    box.append(element("p", "none", none));
    byId("groups").append(box);
    addKind(group, title.split(" ")[0]);
  }
  for (const entry of entries) {
    entry.row = makeRow(entry);
    addRow(lists.get(`${groupOf(entry)} ${entry.source.number}`), entry.row);
  }
}

function addRow(rows, row) {
  if (!rows.lastElementChild || rows.lastElementChild.childElementCount >= BLOCK) {
    const block = element("div", "block");
    block.setAttribute("role", "none");
    rows.append(block);
  }
  rows.lastElementChild.append(row);
}

function addKind(group, title) {
  const label = element("label");
  const input = element("input");
  input.type = "radio";
  input.name = "kind";
  input.value = group;
  input.checked = group === "";
  label.append(input, element("span", "", title));
  byId("kinds").append(label);
}

// What was looked for and is not there is an answer too.
function asked(source) {
  const lines = [];
  for (const one of source.about.asked.filter((each) => each.query !== null)) {
    const found = source.entries.filter(
      (entry) =>
        entry.kind === "findings" &&
        entry.said === (one.source === "said") &&
        source.about.findings[entry.place].query === one.query,
    );
    if (found.some((entry) => !isRejected(entry))) continue;
    const rejected = found.length === 1 ? "1 answer, rejected" : `${found.length} answers, all rejected`;
    const result = found.length ? `nothing matched: ${rejected}` : "nothing found";
    lines.push(element("p", "asked", `“${one.query}”: ${lookedAt(one)}, ${result}.`));
  }
  return lines;
}

function lookedAt(one) {
  const seconds = one.looked_at.map((pair) => pair.map(fraction));
  const spans = seconds.map(([start, end]) => `${secondsText(start)} – ${secondsText(end)}`);
  return spans.length ? `${one.source === "said" ? "listened to" : "looked at"} ${spans.slice(0, 5).join(", ")}${spans.length > 5 ? " …" : ""}` : "not looked at";
}

// Seconds of a file's decimal or n/d text.
function fraction(text) {
  const [over, under = "1"] = String(text).split("/");
  return Number(over) / Number(under);
}

function makeRow(entry) {
  const judged = entry.kind === "findings";
  const row = byId(judged ? "judged-row" : "row").content.firstElementChild.cloneNode(true);
  const [go, state] = row.children;
  const [when, what] = go.children;
  what.lang = languageOf(entry);
  fillRow(entry, row);
  row.classList.add(colourOf(entry));
  row.entry = entry;
  if (judged) {
    state.textContent = stateText(entry);
    for (const button of row.querySelectorAll(".verdicts button")) {
      button.setAttribute("aria-label", `${button.textContent}: ${entry.text}, ${startText(entry)}`);
    }
    markVerdict(entry, row);
  }
  return row;
}

const languageOf = (entry) => (entry.kind === "speech" ? entry.source.captions?.language : null) ?? entry.source.track.language;

// The times and the text of a row, which a person can change.
function fillRow(entry, row) {
  const [when, what] = row.querySelector(".go").children;
  when.children[0].textContent = spanText(entry);
  if (entry.source.timecode && entry.first !== null) when.children[1].textContent = clockText(entry.start);
  what.replaceChildren(...textOf(entry));
}

function markVerdict(entry, row) {
  if (entry.kind !== "findings") return;
  for (const verdict of ["accept", "reject"]) {
    row.querySelector(`.${verdict}`).setAttribute("aria-pressed", String(entry.verdict === `${verdict}ed`));
  }
  row.querySelector(".state").textContent = stateText(entry);
}

// After a verdict: the row says it, and stands where it belongs now.
function refile(entry) {
  const rows = lists.get(`${groupOf(entry)} ${entry.source.number}`);
  markVerdict(entry, entry.row);
  if (canEdit(entry)) return fillRow(entry, entry.row);
  if (entry.row.closest(".rows") !== rows) {
    const focused = entry.row.contains(document.activeElement) ? document.activeElement : null;
    const later = [...rows.querySelectorAll(".row")].find((row) => row.entry.start > entry.start);
    if (later) later.before(entry.row);
    else addRow(rows, entry.row);
    focused?.focus({ preventScroll: true });
  }
}

function filter() {
  const words = byId("words").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const kind = document.querySelector("input[name=kind]:checked").value;
  const query = byId("query").value;
  const verdict = byId("verdict").value;
  const numbers = new Map(GROUPS.map(([group]) => [group, 0]));
  const totals = new Map(GROUPS.map(([group]) => [group, 0]));
  let shown = 0;
  for (const entry of entries) {
    const group = groupOf(entry);
    const passes =
      (!kind || kind === group) &&
      (!query || entry.query === Number(query)) &&
      (!verdict || (entry.kind === "findings" && (entry.verdict ?? "none") === verdict)) &&
      words.every((word) => entry.search.includes(word));
    if (entry.shown !== passes) {
      entry.shown = passes;
      entry.row.hidden = !passes;
    }
    shown += passes;
    numbers.set(group, numbers.get(group) + passes);
    totals.set(group, totals.get(group) + 1);
  }
  for (const [group] of GROUPS) {
    const [number, total] = [numbers.get(group), totals.get(group)];
    counts.get(group).textContent = number === total ? `${total}` : `${number} of ${total}`;
    const box = counts.get(group).closest("section");
    box.hidden = Boolean(kind && kind !== group);
    box.querySelector(".none").hidden = total > 0;
  }
  for (const [, rows] of lists) rows.hidden = !rows.querySelector(".row");
  byId("shown").textContent = `${shown.toLocaleString("en")} of ${entries.length.toLocaleString("en")} shown`;
  redraw();
}

// Makes an entry the one that keys and buttons act upon, and goes to it.
function choose(entry, seek = true) {
  if (chosen) {
    chosen.row.classList.remove("chosen");
    chosen.row.querySelector(".go").removeAttribute("aria-current");
  }
  chosen = entry;
  entry.row.classList.add("chosen");
  entry.row.querySelector(".go").setAttribute("aria-current", "true");
  if (seek) seekEntry(entry);
  bringIntoView(entry.row);
  showChosen();
  redraw();
}

// Scrolls the list only, and only where the list scrolls by itself.
function bringIntoView(row) {
  const box = byId("groups");
  if (box.scrollHeight <= box.clientHeight + 1) return;
  const [inner, outer] = [row.getBoundingClientRect(), box.getBoundingClientRect()];
  if (inner.top < outer.top + 40 || inner.bottom > outer.bottom) {
    box.scrollTop += inner.top - outer.top - outer.height / 3;
  }
}

// The next or the previous one that is shown, in order of sources and time.
function neighbour(direction) {
  const shown = entries.filter((entry) => entry.shown);
  let place = chosen ? shown.indexOf(chosen) : -1;
  if (place < 0) {
    const after = (entry) => entry.source === at.source && entry.start / 1000 > at.seconds;
    const following = shown.findIndex((entry) => (chosen ? entry.order > chosen.order : after(entry)));
    place = following < 0 ? (direction > 0 ? -1 : shown.length) : direction > 0 ? following - 1 : following;
    if (!chosen && at.seconds === 0) place = direction > 0 ? -1 : shown.length;
  }
  return shown[place + direction];
}

function go(direction) {
  const entry = neighbour(direction);
  if (!entry) return say(direction > 0 ? "This was the last one." : "This was the first one.");
  choose(entry);
  say(`${SAID[entry.kind]}: ${entry.text}, ${startText(entry)}${entry.kind === "findings" ? `, ${stateText(entry)}` : ""}`);
}

// Marks what happens at the place where the page is.
function markPresent() {
  const now = new Set();
  for (const entry of at.source.entries) {
    const framed = at.frame !== null && entry.first !== null;
    const inside = framed
      ? entry.first <= at.frame && at.frame < entry.stop
      : entry.start <= at.seconds * 1000 && at.seconds * 1000 < entry.end;
    if (inside) now.add(entry);
  }
  for (const entry of present) if (!now.has(entry)) entry.row.removeAttribute("aria-current");
  for (const entry of now) if (!present.has(entry)) entry.row.setAttribute("aria-current", "time");
  const begun = [...now].filter((entry) => !present.has(entry) && entry.shown && entry.kind !== "scenes");
  present = now;
  if (begun.length && !video.paused) bringIntoView(begun[0].row);
}

byId("groups").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  const entry = button?.closest(".row")?.entry;
  if (!entry) return;
  if (button.classList.contains("go")) return choose(entry);
  giveVerdict(entry, button.classList.contains("accept") ? "accepted" : "rejected");
});
