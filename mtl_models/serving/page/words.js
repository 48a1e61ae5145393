// What a model looked at: its words, coloured by a weight, and the same as numbers.

import { make, percent } from "./dom.js";

const SIGNED = new Intl.NumberFormat("en", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: "exceptZero" });

// `sides`: [{title, explanation, leaveOut}], one for each model; `leaveOut()` asks for a side's explanation with words left out.
export function drawWords(place, sides) {
  const drawn = sides.map((side) => {
    const part = make("div", { class: "side" });
    part.append(...(sides.length > 1 ? [make("h4", {}, side.title)] : []));
    part.append(...side.explanation.readings.map((reading) => drawReading(reading, side, 0)));
    return part;
  });
  place.replaceChildren(
    make("h2", {}, "What it looked at"),
    make("div", { class: sides.length > 1 ? "sides two" : "sides" }, ...drawn),
    legend(sides),
  );
}

// A way to colour the words: its title, a weight for each word, and how a weight is written.
function views(reading) {
  const tasks = reading.answers.map((answer) => answer.task);
  const found = [];
  const { hops, layers } = reading;
  if (hops.length > 1) found.push({ title: `attention, mean of ${hops.length} hops`, weights: mean(hops), write: percent });
  hops.forEach((weights, hop) => found.push({ title: `attention, hop ${hop + 1}`, weights, write: percent }));
  layers.forEach((heads, layer) => {
    heads.forEach((weights, head) => found.push({ title: `transformer, layer ${layer + 1}, head ${head + 1}`, weights, write: percent }));
  });
  tasks.forEach((task) => found.push({ title: `${task}: leaving a word out`, weights: reading.left_out[task], write: (lost) => SIGNED.format(lost) }));
  return found;
}

function mean(rows) {
  return rows[0].map((_, place) => rows.reduce((sum, row) => sum + row[place], 0) / rows.length);
}

function drawReading(reading, side, chosen) {
  const all = views(reading);
  const text = make("p", { class: "text", dir: "auto" });
  const numbers = make("tbody");
  const show = (view) => {
    text.replaceChildren(...coloured(reading.words, view));
    numbers.replaceChildren(
      ...reading.words.map(({ word }, place) =>
        make("tr", {}, make("th", { scope: "row", dir: "auto" }, word), make("td", { class: "n" }, view.write(view.weights[place]))),
      ),
    );
  };
  const select = make("select", {}, ...all.map((view, number) => make("option", { value: String(number) }, view.title)));
  select.value = String(chosen);
  select.addEventListener("change", async () => {
    const view = all[Number(select.value)];
    if (view.weights) {
      show(view);
      return;
    }
    const whole = await side.leaveOut(reading.answers.map((answer) => answer.task));
    if (!whole) return;
    const again = drawReading(whole.readings[0], side, Number(select.value));
    select.closest(".reading").replaceWith(again);
    again.querySelector("select").focus();
  });
  show(all[chosen]);
  const answered = reading.answers.map((answer) => answer.task).join(", ");
  return make(
    "div",
    { class: "reading" },
    side.explanation.readings.length > 1 ? make("h3", {}, answered) : null,
    make("label", { class: "view" }, "Coloured by", select),
    text,
    make(
      "details",
      {},
      make("summary", {}, "As numbers"),
      make(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-label": "Weights as numbers" },
        make("table", {}, make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Word"), make("th", { scope: "col", class: "n" }, "Weight"))), numbers),
      ),
    ),
  );
}

// The word with the most weight has the strongest colour.
function coloured(words, view) {
  const top = Math.max(...view.weights.map(Math.abs)) || 1;
  return words.flatMap(({ word, unknown }, place) => {
    const weight = view.weights[place];
    const classes = [weight < 0 ? "against" : "", unknown ? "unknown" : ""].filter(Boolean).join(" ");
    const span = make("span", { class: classes, title: `${view.write(weight)}${unknown ? ", not in the vocabulary" : ""}` }, word);
    span.style.setProperty("--weight", String(Math.round((100 * Math.abs(weight)) / top)));
    return [span, " "];
  });
}

function legend(sides) {
  const unknown = sides.some((side) => side.explanation.readings.some((reading) => reading.words.some((word) => word.unknown)));
  return make(
    "div",
    { class: "soft" },
    make(
      "ul",
      { class: "legend" },
      make("li", {}, make("span", { class: "swatch" }), "looked at more, or speaks for the answer"),
      make("li", {}, make("span", { class: "swatch against" }), "speaks against it"),
      unknown ? make("li", {}, make("i", {}, "italics"), " not in the vocabulary") : null,
    ),
    make("p", {}, "Leaving a word out: how much the probability of the answer falls without it. Attention says where a network looked, not why it answered as it did."),
  );
}
