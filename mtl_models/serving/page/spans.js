// What a model marked on the words of a text: the text with its spans underlined and named, and the same as a list.

import { make, percent } from "./dom.js";

const TURN = 137.5; // degrees of hue from one label to the next, so that neighbours are far apart however many there are

// Places count code points, as the server does; a string of JavaScript counts some of them twice.
const points = (text) => [...text];

const hued = (element, number) => {
  element.style.setProperty("--hue", String(Math.round(((number ?? 0) * TURN) % 360)));
  return element;
};

const sure = (confidence) => make("span", { class: "share" }, confidence === null ? "" : percent(confidence));

// Spans that may lie within each other.
export function drawSpans(answer, task, text) {
  const marks = answer.found.map((span) => ({ ...span, name: span.label, hue: task.labels.indexOf(span.label) }));
  const rows = marks.map((mark) => make("li", {}, hued(make("b", { class: "type" }, mark.label), mark.hue), " ", quoted(mark), " ", sure(mark.confidence)));
  const named = task.labels.length > 1 ? marks : marks.map((mark) => ({ ...mark, name: "" })); // one name over and over says nothing
  return [underlined(named, text), list(rows)];
}

// Spans of one thing have one number and one colour.
export function drawClusters(answer, _task, text) {
  const marks = answer.found.flatMap((cluster, number) => cluster.mentions.map((span) => ({ ...span, name: String(number + 1), hue: number })));
  const rows = answer.found.map((cluster, number) =>
    make(
      "li",
      {},
      hued(make("b", { class: "type" }, String(number + 1)), number),
      " ",
      ...cluster.mentions.flatMap((span, place) => (place ? [" = ", quoted(span)] : [quoted(span)])),
      " ",
      sure(cluster.confidence),
    ),
  );
  return [underlined(marks, text), list(rows)];
}

export function drawRelations(answer, task, text) {
  const ends = answer.found.flatMap((relation) => [relation.head, relation.tail]);
  const once = [...new Map(ends.map((span) => [`${span.start} ${span.end}`, span])).values()];
  const types = [...new Set(once.map((span) => span.label))];
  const marks = once.map((span) => ({ ...span, name: span.label ?? "", hue: types.indexOf(span.label) }));
  const rows = answer.found.map((relation) =>
    make(
      "li",
      {},
      quoted(relation.head),
      " ",
      hued(make("b", { class: "type" }, `${relation.label} \u2192`), task.labels.indexOf(relation.label)),
      " ",
      quoted(relation.tail),
      " ",
      sure(relation.confidence),
    ),
  );
  return [underlined(marks, text), list(rows, "relations")];
}

const quoted = (span) => make("span", { class: "quoted", dir: "auto" }, span.text.replace(/\s+/g, " "));

const list = (rows, kind = "") => (rows.length ? make("ul", { class: `parts ${kind}` }, ...rows) : make("p", { class: "soft" }, "nothing found"));

// The text with a line under every mark, inner ones nearer to the words. Marks that cross are drawn in pieces.
function underlined(marks, text) {
  const letters = points(text);
  const laid = lanes(marks);
  const borders = [...new Set([0, letters.length, ...laid.flatMap((mark) => [mark.start, mark.end])])].sort((one, other) => one - other);
  const pieces = borders.slice(1).map((end, place) => piece(letters.slice(borders[place], end).join(""), laid, borders[place], end));
  return make("p", { class: "marked", dir: "auto" }, ...pieces);
}

// Every mark gets the lowest line that no mark in or across it has; shorter marks come first.
function lanes(marks) {
  const laid = [];
  for (const mark of marks.toSorted((one, other) => one.end - one.start - (other.end - other.start) || one.start - other.start)) {
    const taken = new Set(laid.filter((other) => other.start < mark.end && mark.start < other.end).map((other) => other.lane));
    let lane = 0;
    while (taken.has(lane)) lane += 1;
    laid.push({ ...mark, lane });
  }
  return laid;
}

// Text between two borders, in as many elements as there are marks over it, the innermost first; a mark is named where it ends.
function piece(words, laid, start, end) {
  const over = laid.filter((mark) => mark.start <= start && end <= mark.end).sort((one, other) => one.lane - other.lane);
  let inner = document.createTextNode(words);
  for (const mark of over) {
    const named = mark.end === end && mark.name ? make("small", {}, mark.name) : null;
    const element = hued(make("span", { class: "mark" }, inner, named), mark.hue);
    element.style.setProperty("--lane", String(mark.lane));
    inner = element;
  }
  return inner;
}
