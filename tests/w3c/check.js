// Reads a JSON list of WebVTT documents on stdin and writes, for each, the parser's faults and the cues as decoded.
"use strict";
const { WebVTTParser } = require("webvtt-parser");
const parser = new WebVTTParser(require("webvtt-parser/html-entities.json"));

const textOf = (node) => (node.type === "text" ? node.value : (node.children || []).map(textOf).join(""));

let input = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (part) => (input += part));
process.stdin.on("end", () => {
  const results = JSON.parse(input).map((document) => {
    const { cues, errors } = parser.parse(document, "subtitles");
    return {
      errors: errors.map((error) => `${error.line}:${error.col || 0} ${error.message}`),
      cues: cues.map((cue) => ({ id: cue.id, start: cue.startTime, end: cue.endTime, text: textOf(cue.tree) })),
    };
  });
  process.stdout.write(JSON.stringify(results));
});
