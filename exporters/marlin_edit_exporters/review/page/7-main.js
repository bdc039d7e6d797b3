// The buttons, the keys, and what the page says.

function say(text) {
  byId("status").textContent = text;
}

function giveVerdict(entry, verdict) {
  judge(entry, entry.verdict === verdict ? null : verdict);
  say(`${entry.verdict ?? "No verdict"}: ${entry.text}, ${startText(entry)}. ${unsavedCount()} not saved yet.`);
}

function judgeChosen(verdict) {
  if (!chosen || chosen.kind !== "findings") return say("Choose a finding first.");
  if (verdict === null) judge(chosen, null);
  else if (chosen.verdict !== verdict) judge(chosen, verdict);
  const told = `${chosen.verdict ?? "No verdict"}: ${chosen.text}, ${startText(chosen)}.`;
  if (verdict && byId("go-on").checked) goToNextFinding();
  say(`${told} ${unsavedCount()} not saved yet.`);
}

function goToNextFinding() {
  const shown = entries.filter((entry) => entry.shown && entry.kind === "findings");
  const next = shown.find((entry) => entry.order > chosen.order && !entry.verdict);
  if (next) choose(next);
}

function undoChange() {
  const entry = undo();
  const state = entry?.kind === "findings" ? `${entry.verdict ?? "No verdict"}: ` : "";
  say(entry ? `Taken back. ${state}${entry.text}.` : "There is nothing to take back.");
}

// The form for the text and the times of the selected event or utterance.
function edit() {
  if (!chosen || !canEdit(chosen)) return say("Choose an event or something that is said first.");
  byId("edit-text").value = chosen.text;
  byId("edit-start").value = clockText(chosen.start);
  byId("edit-end").value = clockText(chosen.end);
  byId("editing").hidden = false;
  byId("edit").hidden = true;
  byId("edit-text").focus();
}

function closeEditing(back = false) {
  byId("editing").hidden = true;
  byId("edit").hidden = !chosen || !canEdit(chosen);
  if (back) byId("edit").focus();
}

function keepEditing() {
  const text = byId("edit-text").value.replace(/\s+/g, " ").trim();
  const [start, end] = ["edit-start", "edit-end"].map((id) => secondsOf(byId(id).value));
  if (!text) return say("A text is needed. To have nothing shown there, leave the entry as it is and reject it elsewhere.");
  if (start === null || end === null) return say("Write times like 12.5 or 00:00:12.500.");
  if (start >= end) return say("The end has to come after the start.");
  if (chosen.source.length && end > chosen.source.length + 0.0005) return say(`The video ends at ${secondsText(chosen.source.length)}.`);
  change(chosen, { text, start: Math.round(start * 1000), end: Math.round(end * 1000) });
  closeEditing(true);
  say(`Changed: ${chosen.text}, ${startText(chosen)}. ${unsavedCount()} not saved yet.`);
}

function setToPlace(id) {
  byId(id).value = secondsText(at.frame === null ? at.seconds : timeOfFrame(at.source, at.frame));
}

function save() {
  if (!entries.length) return say("There is nothing to save.");
  const name = saveVerdicts();
  tellUnsaved();
  say(`Saved as ${name}. marlin-edit export and calibrate take it.`);
}

function tellUnsaved() {
  const number = unsavedCount();
  byId("unsaved").textContent = number ? `${number} not saved` : "";
}

function showChosen() {
  byId("selected-none").hidden = Boolean(chosen);
  byId("selected-one").hidden = !chosen;
  if (!chosen) return;
  const judged = chosen.kind === "findings";
  byId("selected-text").replaceChildren(...textOf(chosen));
  byId("selected-text").lang = languageOf(chosen);
  const frames = chosen.first === null ? "" : `, ${chosen.stop - chosen.first} frames`;
  const clock = chosen.source.timecode && chosen.first !== null ? ` (${clockSpanText(chosen)})` : "";
  const where = sources.length > 1 ? `${chosen.source.name}: ` : "";
  byId("selected-times").textContent = `${where}${spanText(chosen)}${clock}${frames}`;
  const flags = chosen.flags.length ? ` – ${chosen.flags.join(", ")}` : "";
  const changed = canEdit(chosen) && !isSame(chosen, chosen.given) ? ", changed by you" : "";
  byId("selected-state").textContent = judged ? `${stateText(chosen)}${flags}` : `${SAID[chosen.kind]}${changed}${flags}`;
  closeEditing();
  byId("judging").hidden = !judged;
  for (const verdict of ["accept", "reject"]) {
    byId(verdict).setAttribute("aria-pressed", String(chosen.verdict === `${verdict}ed`));
  }
  byId("clear").disabled = !chosen.verdict;
  const raw = [chosen.origin?.raw, ...(chosen.origin?.more ?? [])].filter(Boolean).join("\n\n");
  const signals = Object.entries(chosen.signals);
  byId("why").hidden = !raw && !signals.length;
  byId("raw").textContent = raw;
  byId("raw").hidden = !raw;
  byId("signals").replaceChildren(
    ...signals.flatMap(([name, value]) => [element("dt", "", name), element("dd", "", String(Math.round(value * 1e4) / 1e4))]),
  );
}

function showPlace() {
  const source = at.source;
  const coded = source.timecode && at.frame !== null;
  const time = secondsText(at.frame === null ? at.seconds : timeOfFrame(source, at.frame));
  const clock = `${time} / ${clockText(source.milliseconds)}`;
  byId("now-code").textContent = coded ? timecodeText(source, at.frame) : time;
  byId("now-clock").textContent = coded ? clock : `/ ${clockText(source.milliseconds)}`;
  byId("now-frame").textContent = at.frame === null ? "" : `frame ${at.frame}`;
  const slider = byId("position");
  slider.value = at.frame === null ? Math.round(at.seconds * 10) : at.frame;
  slider.setAttribute("aria-valuetext", byId("now-code").textContent);
  followPlace();
  markPresent();
  describe();
}

function showSource() {
  const source = at.source;
  byId("position").max = hasFrames(source) ? source.count - 1 : Math.ceil(lengthOfLine() * 10);
  video.setAttribute("aria-label", `Video ${source.name}`);
  makeLanes();
}

function tellAbout() {
  const list = (title, items) => {
    if (!items.length) return [];
    const rows = element("ul");
    for (const item of items) {
      const row = element("li", "", item);
      row.dir = "auto";
      rows.append(row);
    }
    return [element("p", "", title), rows];
  };
  for (const source of sources) {
    const { about } = source;
    const rate = source.rate ? `${source.name_of_rate} frames a second${source.varies ? ", varying" : ""}` : "no frame rate known";
    const start = source.timecode && hasFrames(source) ? `, from ${timecodeText(source, 0)}` : "";
    const box = element("section");
    box.append(element("h3", "", source.name || "Unknown video"));
    box.append(element("p", "", `${clockText(source.milliseconds)}${start}, ${rate}`));
    if (source.model) box.append(element("p", "", `Model: ${source.model}`));
    if (typeof about.threshold === "number") box.append(element("p", "", `Threshold of scores: ${about.threshold}`));
    const what = (one) => (one.query !== null ? `“${one.query}”` : one.source === "said" ? "What is said" : "What happens");
    const asks = about.asked.map((one) => `${what(one)}: ${lookedAt(one)}`);
    box.append(...list("Asked:", asks));
    box.append(...list("Not seen, as there was no picture:", (about.unseen ?? []).map((pair) => pair.map(fraction).map(secondsText).join(" – "))));
    box.append(...list("What the model wrote that is neither an event nor a finding:", about.unread ?? []));
    byId("about-text").append(box);
  }
}

function option(value, text) {
  const made = element("option", "", text);
  made.value = value;
  return made;
}

function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try {
    localStorage.setItem("marlin-edit theme", root.dataset.theme);
  } catch {
    // It is chosen again next time.
  }
  redraw();
}

const KEYS = [
  ["Space, K", "Play, pause", [" ", "k"], playPause],
  ["G", "Play the selected one from its in point to its out point", ["g"], () => (chosen ? playEntry(chosen) : say("Choose an entry first."))],
  ["← →", "One frame back, on", ["ArrowLeft", "ArrowRight"], (key) => step(key === "ArrowLeft" ? -1 : 1)],
  ["Shift ← →", "One second back, on", ["Shift ArrowLeft", "Shift ArrowRight"], (key) => seekSeconds(at.seconds + (key.endsWith("Left") ? -1 : 1))],
  ["J, L", "Five seconds back, on", ["j", "l"], (key) => seekSeconds(at.seconds + (key === "j" ? -5 : 5))],
  ["Home, End", "First, last frame", ["Home", "End"], (key) => seekSeconds(key === "Home" ? 0 : lengthOfLine() - 0.001)],
  ["N, P", "Next, previous event or finding that is shown", ["n", "p"], (key) => go(key === "n" ? 1 : -1)],
  ["I, O", "To the in point of the selected one, to its last frame", ["i", "o"], (key) => (chosen ? seekEntry(chosen, key === "o") : say("Choose an entry first."))],
  ["A", "Accept the selected finding", ["a"], () => judgeChosen("accepted")],
  ["R", "Reject it", ["r"], () => judgeChosen("rejected")],
  ["C", "Clear its verdict", ["c"], () => judgeChosen(null)],
  ["E", "Edit the text and the times of the selected event or utterance", ["e"], edit],
  ["U", "Take back the last change", ["u"], undoChange],
  ["S", "Save what you changed", ["s"], save],
  ["/", "Search the list", ["/"], () => byId("words").focus()],
  ["+ −", "Zoom the time line in, out", ["+", "-"], (key) => zoom(key === "+" ? 0.5 : 2)],
  ["0", "The whole time line", ["0"], wholeLine],
  ["D", "Descriptions on, off", ["d"], toggleDescriptions],
  ["V", "Read descriptions aloud, or not", ["v"], toggleReading],
  ["Q", "Captions on, off", ["q"], toggleCaptions],
  ["M", "Sound off, on", ["m"], toggleMute],
  ["F", "Full screen", ["f"], toggleWholeScreen],
  ["T", "Light or dark", ["t"], toggleTheme],
  ["?", "This help", ["?"], () => byId("keys").showModal()],
];
const actions = new Map(KEYS.flatMap(([, , keys, action]) => keys.map((key) => [key, action])));

// Whether the element takes this key itself.
function takes(target, key) {
  if (target.closest("dialog") || target.matches("input[type=search], select, textarea")) return true;
  if (target.closest("#editing")) return true;
  if (target.matches("input")) return key.startsWith("Arrow") || [" ", "Home", "End"].includes(key);
  if (target.matches("#lanes, #raw, #groups") && key.startsWith("Arrow")) return key !== "ArrowLeft" && key !== "ArrowRight";
  return key === " " && target.matches("button, summary, a");
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target === byId("words")) return byId("list").focus();
  if (event.key === "Escape" && event.target.closest("#editing")) return closeEditing(true);
  if (event.key === "Enter" && event.target.closest("#editing") && !event.target.matches("button")) {
    event.preventDefault();
    return keepEditing();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || !byId("keys-on").checked) return;
  const letter = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const key = event.shiftKey && event.key.startsWith("Arrow") ? `Shift ${event.key}` : letter;
  const action = actions.get(key);
  if (!action || takes(event.target, event.key)) return;
  event.preventDefault();
  action(key);
});

function wire() {
  const clicks = {
    play: playPause, back: () => step(-1), on: () => step(1), mute: toggleMute, describe: toggleDescriptions,
    "whole-screen": toggleWholeScreen, closer: () => zoom(0.5), wider: () => zoom(2), all: wholeLine,
    previous: () => go(-1), next: () => go(1), "play-it": () => playEntry(chosen), save, theme: toggleTheme,
    accept: () => judgeChosen(chosen.verdict === "accepted" ? null : "accepted"),
    reject: () => judgeChosen(chosen.verdict === "rejected" ? null : "rejected"),
    read: toggleReading, captions: toggleCaptions, edit, keep: keepEditing, discard: () => closeEditing(true),
    "start-here": () => setToPlace("edit-start"), "end-here": () => setToPlace("edit-end"),
    clear: () => judgeChosen(null), help: () => byId("keys").showModal(),
  };
  for (const [id, action] of Object.entries(clicks)) byId(id).addEventListener("click", action);
  byId("position").addEventListener("input", (event) => {
    const value = Number(event.target.value);
    if (hasFrames(at.source)) seekFrame(value);
    else seekSeconds(value / 10);
  });
  byId("speed").addEventListener("change", (event) => {
    video.defaultPlaybackRate = video.playbackRate = Number(event.target.value);
  });
  byId("source").addEventListener("change", (event) => openSource(sources[Number(event.target.value)]));
  for (const id of ["words", "query", "verdict", "kinds"]) byId(id).addEventListener("input", filter);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}

function start() {
  try {
    const theme = localStorage.getItem("marlin-edit theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // As the system says.
  }
  byId("source").append(...sources.map((source) => option(String(source.number), source.name)));
  byId("choose-source").hidden = sources.length < 2;
  byId("query").append(option("", "any"), ...facts.queries.map(([query], number) => option(String(number), query)));
  byId("choose-query").hidden = !facts.queries.length;
  byId("choose-verdict").hidden = !findings.length;
  byId("save").hidden = !findings.length && !entries.some(canEdit);
  byId("key-rows").append(
    ...KEYS.map(([keys, what]) => {
      const row = element("tr");
      const cell = element("td");
      cell.append(element("kbd", "", keys));
      row.append(cell, element("td", "", what));
      return row;
    }),
  );
  takeKeptChanges();
  makeList();
  tellAbout();
  wire();
  changesOfPlace.push(showPlace);
  changesOfVerdicts.push(refile, tellUnsaved, filter, (entry) => entry === chosen && showChosen());
  filter();
  openSource(sources[0]);
  tellUnsaved();
}

start();
