// The video, and the one place where the page is in it: a frame of a source, or seconds where there are no frames.
// Without a video that plays, the place still moves.

const video = byId("video");
const at = { source: sources[0], seconds: 0, frame: null, zero: 0 }; // zero: on the video's clock
const changesOfPlace = [];
let plays = false; // whether the video is there and can be played
let isKnown = false; // whether the player has reported what is in the file
let firstShown = null; // the time of the first frame of the file that was shown, on the video's clock
let stopAt = null; // where playing stops by itself, in seconds
let lastFrame = null; // the last one that is played then, where there are frames
let wanted = null; // where the video is to go when it has arrived where it is going now
let trackUrls = [];
let told = []; // the track as the browser read it: start, end, text, whether the player has to stop for it
let spoken = null; // the cue that was read aloud last
let shifted = []; // by how much the times of each track's cues were put off

const hasFrames = (source) => source.rate !== null && source.count > 0;

function setPlace(seconds, nearest = false) {
  const length = at.source.length || Infinity;
  at.seconds = Math.max(0, Math.min(seconds, length));
  at.frame = null;
  if (hasFrames(at.source)) at.frame = (nearest ? frameNearest : frameAt)(at.source, at.seconds);
  for (const tell of changesOfPlace) tell();
}

function seekSeconds(seconds) {
  stopAt = null;
  setPlace(seconds);
  if (!plays) return;
  wanted = at.zero + (at.frame === null ? at.seconds : insideFrame(at.source, at.frame));
  sendVideo();
}

// One seek at a time: a player that is sent on before it has arrived shows nothing meanwhile.
function sendVideo() {
  if (wanted === null || video.seeking) return;
  video.currentTime = wanted;
  wanted = null;
}

video.addEventListener("seeked", sendVideo);

function seekFrame(frame) {
  const last = at.source.count - 1;
  seekSeconds(insideFrame(at.source, Math.max(0, Math.min(frame, last))));
}

// Frames, or tenths of a second where there are none.
function step(frames) {
  video.pause();
  if (at.frame !== null) seekFrame(at.frame + frames);
  else seekSeconds(at.seconds + frames / 10);
}

function seekEntry(entry, toEnd = false) {
  if (entry.source !== at.source) openSource(entry.source);
  if (entry.first !== null && hasFrames(entry.source)) seekFrame(toEnd ? entry.stop - 1 : entry.first);
  else seekSeconds((toEnd ? entry.end : entry.start) / 1000);
}

function playPause() {
  if (!plays) return say("There is no video to play.");
  stopAt = null;
  if (video.paused) video.play().catch(() => {});
  else video.pause();
}

function playEntry(entry) {
  if (entry.source !== at.source) {
    seekEntry(entry);
    const play = () => entry.source === at.source && playEntry(entry);
    return video.addEventListener("loadedmetadata", play, { once: true });
  }
  seekEntry(entry);
  if (!plays) return say("There is no video to play.");
  lastFrame = entry.stop !== null && hasFrames(entry.source) ? entry.stop - 1 : null;
  stopAt = lastFrame !== null ? timeOfFrame(entry.source, entry.stop) : entry.end / 1000;
  video.play().catch(() => {});
}

// A frame was shown: `time` is its own, on the video's clock. The first one of a file that has just been opened may come
// before the player says that it knows the file: it does not move the place, which the file is about to be sent to.
function onFrame(time) {
  if (!plays) {
    firstShown ??= time;
    if (isKnown) beginAsShown();
    return;
  }
  if (video.seeking || wanted !== null) return;
  setPlace(time - at.zero, true);
  const next = at.frame === null ? at.seconds : timeOfFrame(at.source, at.frame + 1);
  if (stopAt !== null && !video.paused && next >= stopAt - TOLERANCE) {
    stopAt = null;
    video.pause();
    // A busy browser may report a frame late, and have shown the next one by then.
    if (lastFrame !== null) seekFrame(lastFrame);
  }
}

const tellsFrames = "requestVideoFrameCallback" in HTMLVideoElement.prototype;

function watchFrames() {
  video.requestVideoFrameCallback((_, about) => {
    onFrame(about.mediaTime);
    watchFrames();
  });
}

if (tellsFrames) watchFrames();

function tick() {
  if (!tellsFrames || !video.videoWidth) {
    if (!video.paused && !video.seeking) {
      const seconds = video.currentTime - at.zero;
      setPlace(seconds);
      if (stopAt !== null && seconds >= stopAt) video.pause();
    }
  }
  if (!video.paused) requestAnimationFrame(tick);
}

video.addEventListener("play", () => requestAnimationFrame(tick));
// The frame that is seen stays: the clock may be past it already.
video.addEventListener("pause", () => {
  if (plays && at.frame !== null && !video.seeking && !video.ended && tellsFrames && video.videoWidth) seekFrame(at.frame);
});
for (const name of ["play", "pause"]) {
  video.addEventListener(name, () => {
    byId("play").textContent = video.paused ? "Play" : "Pause";
  });
}

function openSource(source) {
  at.source = source;
  byId("source").value = String(source.number);
  showSource();
  show(source.url);
  setPlace(0);
}

// Puts a file into the player; url is null where the page does not know one.
function show(url) {
  plays = isKnown = false;
  stopAt = wanted = null;
  video.pause();
  byId("trouble").hidden = true;
  byId("description").textContent = "";
  if (at.source.size) video.style.aspectRatio = `${at.source.size[0]} / ${at.source.size[1]}`;
  setTrack();
  if (url === null) {
    video.removeAttribute("src");
    return trouble(`It is not known where the video${at.source.name ? ` of ${at.source.name}` : ""} is.`);
  }
  video.src = url;
  video.load();
}

function trouble(text) {
  plays = false;
  byId("trouble-text").textContent = `${text} Times, list and verdicts work without it.`;
  byId("trouble").hidden = false;
}

video.addEventListener("error", () => {
  trouble(`This browser cannot play ${at.source.name}: the file is not there, or in a format that browsers do not know.`);
});

video.addEventListener("loadstart", () => {
  firstShown = null; // a frame that came late was one of the file before
});

video.addEventListener("loadedmetadata", () => {
  isKnown = true;
  if (at.source.zero === 0 || !tellsFrames || !video.videoWidth) begin(at.source.zero);
  else if (firstShown !== null) beginAsShown();
});

// Some browsers keep the container's clock, others begin at nought: the first frame tells. It may be shown before the
// player says that it knows the file, or after that.
function beginAsShown() {
  begin(firstShown < at.source.zero / 2 ? 0 : at.source.zero);
}

function begin(zero) {
  plays = true;
  at.zero = zero;
  shiftCues();
  if (at.source.rate !== null && hasFrames(at.source) && !video.videoWidth) {
    trouble(`This browser cannot show the picture of ${at.source.name}.`);
    plays = true; // its sound
  }
  const off = Math.abs(video.duration - at.zero - at.source.length);
  if (video.src.startsWith("blob:") && at.source.length && off > 1) {
    say(`This file is ${off.toFixed(1)} s longer or shorter than ${at.source.name}: is it the right one?`);
  }
  seekSeconds(at.seconds);
}

byId("choose").addEventListener("click", () => byId("file").click());
byId("file").addEventListener("change", () => {
  const [file] = byId("file").files;
  if (file) show(URL.createObjectURL(file));
});

// The track is made from a text in the page: a browser does not load one from a file beside a page on disk.
function setTrack() {
  for (const track of [...video.querySelectorAll("track")]) track.remove();
  trackUrls.forEach((url) => URL.revokeObjectURL(url));
  trackUrls = [];
  const given = at.source.track;
  told = [];
  shifted = [];
  const track = addTrack(given);
  track.addEventListener("load", takeCues);
  if (at.source.captions) {
    const captions = addTrack(at.source.captions);
    captions.addEventListener("load", shiftCues);
    captions.track.mode = "hidden";
    showCaptions();
  }
  byId("captions").hidden = !at.source.captions;
  byId("read").hidden = given.kind !== "descriptions";
  const onPicture = given.kind === "subtitles";
  track.track.mode = onPicture ? "showing" : "hidden";
  byId("description").classList.toggle("unseen", onPicture);
  byId("description").lang = given.language;
}

function addTrack(given) {
  const url = URL.createObjectURL(new Blob([given.vtt], { type: "text/vtt" }));
  trackUrls.push(url);
  const track = element("track");
  track.kind = given.kind;
  track.label = given.label;
  track.srclang = given.language;
  track.src = url;
  video.append(track);
  return track;
}

function takeCues() {
  told = [...video.textTracks[0].cues].map((cue) => [cue.startTime, cue.endTime, cue.getCueAsHTML().textContent, cue.id.startsWith("extended")]);
  shiftCues();
  describe();
}

// The track counts from zero, and the player's clock may not.
function shiftCues() {
  if (!plays) return;
  [...video.textTracks].forEach((track, number) => {
    if (!track.cues?.length) return;
    const off = at.zero - (shifted[number] ?? 0);
    for (const cue of [...track.cues]) {
      cue.endTime += off;
      cue.startTime += off;
    }
    shifted[number] = at.zero;
  });
}

// Says what the track tells of this place, by the page's own clock: it goes on without a video too.
function describe() {
  const on = byId("describe").getAttribute("aria-pressed") === "true";
  const now = at.seconds + 0.005; // cues are in milliseconds, and frames are not
  const cues = on ? told.filter(([start, end]) => start <= now && now < end) : [];
  const text = cues.map(([, , words]) => words).join(" ");
  const region = byId("description");
  if (region.textContent !== text) region.textContent = text;
  readAloud(on ? told.find(([start, end]) => start <= now && now < end) : null);
}

// Reads a description aloud when it begins, with the browser's own voice; for one that is longer than its pause, the
// video stops meanwhile.
function readAloud(cue) {
  if (cue === spoken || video.paused || !byId("read").matches("[aria-pressed=true]")) return;
  spoken = cue;
  if (!cue) return;
  const [, , text, extended] = cue;
  speechSynthesis.cancel();
  const saying = new SpeechSynthesisUtterance(text);
  saying.lang = at.source.track.language;
  if (extended) {
    video.pause();
    saying.addEventListener("end", () => video.play().catch(() => {}));
  }
  speechSynthesis.speak(saying);
}

function toggleReading() {
  if (!("speechSynthesis" in window)) return say("This browser has no voice.");
  const on = byId("read").getAttribute("aria-pressed") !== "true";
  byId("read").setAttribute("aria-pressed", String(on));
  spoken = null;
  if (!on) speechSynthesis.cancel();
  say(on ? "Descriptions are read aloud while the video plays." : "Nothing is read aloud.");
}

function showCaptions() {
  const track = video.textTracks[1];
  if (track) track.mode = byId("captions").getAttribute("aria-pressed") === "true" ? "showing" : "hidden";
}

function toggleCaptions() {
  if (!at.source.captions) return say("There are no captions: nobody listened.");
  const on = byId("captions").getAttribute("aria-pressed") !== "true";
  byId("captions").setAttribute("aria-pressed", String(on));
  showCaptions();
  say(on ? "Captions are shown." : "Captions are off.");
}

function toggleDescriptions() {
  const on = byId("describe").getAttribute("aria-pressed") !== "true";
  byId("describe").setAttribute("aria-pressed", String(on));
  byId("description").hidden = !on;
  describe();
  say(on ? "Descriptions are shown and announced to screen readers." : "Descriptions are off.");
}

function toggleMute() {
  video.muted = !video.muted;
  byId("mute").setAttribute("aria-pressed", String(video.muted));
}

function toggleWholeScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else byId("screen").requestFullscreen?.().catch(() => say("This browser does not allow it here."));
}
