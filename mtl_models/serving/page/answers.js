// What a model says of a text: a card for every task, with one side for each model that was asked.

import { make, percent } from "./dom.js";
import { drawClusters, drawRelations, drawSpans } from "./spans.js";

const SHOWN = 6; // labels of a long list that are seen at once

// A drawing for every kind of task; each gets the answer, the task and the text, and gives a list of elements.
const KINDS = {
  single_label: (answer, task) => [verdict(answer), bars(task, answer, (label) => label === answer.label)],
  ordinal: (answer, task) => [verdict(answer), bars(task, answer, (label) => label === answer.label)],
  multi_label: (answer, task) => {
    const chosen = new Set(answer.label.split("|"));
    return [verdict({ ...answer, label: [...chosen].join(", ") || "none of them" }), bars(task, answer, (label) => chosen.has(label))];
  },
  rating: (answer) => [make("p", { class: "verdict number" }, answer.label)],
  tagging: drawSpans,
  mentions: drawSpans,
  relations: drawRelations,
  coreference: drawClusters,
};
const ON_WORDS = new Set(["tagging", "mentions", "relations", "coreference"]);

// `sides`: [{title, tasks, answers, text}], one for each model. Gives the names of the tasks on which two sides differ.
export function drawAnswers(place, sides) {
  const names = [...new Set(sides.flatMap((side) => side.tasks.map((task) => task.name)))];
  const differing = names.filter((name) => differ(sides, name));
  const cards = names.map((name) => card(name, sides, differing.includes(name)));
  place.replaceChildren(make("ul", { class: sides.length > 1 ? "cards compared" : "cards" }, ...cards));
  return differing;
}

function differ(sides, name) {
  const said = sides.map((side) => side.answers.find((answer) => answer.task === name)?.label);
  return new Set(said.filter((label) => label !== undefined)).size > 1;
}

function card(name, sides, differs) {
  const wide = sides.some((side) => side.tasks.some((task) => task.name === name && ON_WORDS.has(task.kind)));
  const description = sides.map((side) => side.tasks.find((task) => task.name === name)?.description).find(Boolean);
  return make(
    "li",
    { class: `card${differs ? " differs" : ""}${wide ? " wide" : ""}` },
    make("div", { class: "head" }, make("h3", {}, name), differs ? make("span", { class: "badge" }, "they differ") : null),
    description ? make("p", { class: "soft" }, description) : null,
    make("div", { class: sides.length > 1 ? "sides two" : "sides" }, ...sides.map((side) => drawSide(side, name, sides.length > 1))),
  );
}

function drawSide(side, name, titled) {
  const answer = side.answers.find((found) => found.task === name);
  const task = side.tasks.find((found) => found.name === name);
  const drawn = answer ? (KINDS[task.kind] ?? ((found) => [verdict(found)]))(answer, task, side.text) : [make("p", { class: "soft" }, "does not know this task")];
  return make("div", { class: "side" }, titled ? make("h4", {}, side.title) : null, ...drawn);
}

function verdict(answer) {
  return make("p", { class: "verdict", dir: "auto" }, answer.label);
}

// A bar for every label, in the model's order; of many labels the most probable ones, and the others behind a click.
function bars(task, answer, chosen) {
  const rows = task.labels.map((label) => ({ label, share: answer.probabilities[label], chosen: chosen(label) }));
  if (rows.length <= SHOWN) return make("ul", { class: "bars" }, ...rows.map(bar));
  const sorted = rows.toSorted((one, other) => other.share - one.share);
  return make(
    "div",
    {},
    make("ul", { class: "bars" }, ...sorted.slice(0, SHOWN).map(bar)),
    make("details", {}, make("summary", {}, `${sorted.length - SHOWN} more`), make("ul", { class: "bars" }, ...sorted.slice(SHOWN).map(bar))),
  );
}

function bar(row) {
  const fill = make("span", { class: "fill" });
  fill.style.setProperty("--part", String(100 * row.share));
  return make(
    "li",
    { class: row.chosen ? "chosen" : "" },
    make("span", { class: "name", dir: "auto" }, row.label),
    make("span", { class: "share" }, percent(row.share)),
    make("span", { class: "track", "aria-hidden": "true" }, fill),
  );
}
