// The page: a text is asked about, every model answers.

import { ask } from "./api.js";
import { drawAnswers } from "./answers.js";
import { byId, make } from "./dom.js";
import { unlocked } from "./unlock.js";
import { drawWords } from "./words.js";

const text = byId("text");
const compare = byId("compare");
const status = byId("status");

let server = null;
let running = new AbortController();

const title = (model) => (model.version === null ? model.name : `${model.name} version ${model.version}`);

// What tells models apart: the version where they have one name, and part of the fingerprint where that is not enough.
function titles(models) {
  const one = models.length > 1 && models.every((model) => model.name === models[0].name && model.version !== null);
  const found = models.map((model) => (one ? `version ${model.version}` : title(model)));
  const alike = new Set(found).size < found.length;
  return found.map((name, number) => (alike ? `${name} (${models[number].fingerprint.slice(0, 8)})` : name));
}

async function begin() {
  try {
    server = await unlocked(() => ask("GET", "/tasks"));
  } catch (error) {
    byId("fault").textContent = error.message;
    return;
  }
  const [main, other] = server.models;
  byId("models").textContent = `${title(main.model)}, ${main.network}, ${main.tasks.length} ${main.tasks.length === 1 ? "task" : "tasks"}`;
  byId("models").title = `fingerprint ${main.model.fingerprint}`;
  if (other) {
    byId("compare-label").textContent = `Compare with ${titles([main.model, other.model])[1]}`;
    byId("compare-choice").hidden = false;
  }
  const chips = server.examples.map((example) => {
    const button = make("button", { type: "button", dir: "auto" }, example);
    button.addEventListener("click", () => {
      text.value = example;
      count();
      answer();
    });
    return make("li", {}, button);
  });
  byId("examples").querySelector("ul").replaceChildren(...chips);
  byId("examples").hidden = !chips.length;
  byId("question").hidden = false;
  count();
  text.focus();
}

function count() {
  const most = server.limits.characters;
  const length = [...text.value].length;
  byId("count").textContent = `${length.toLocaleString("en")} of ${most.toLocaleString("en")} characters`;
  byId("count").classList.toggle("over", length > most);
}

// Ask all models that are wanted: first for answers, which come at once, then for what they looked at.
async function answer() {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  const asked = text.value;
  byId("fault").textContent = "";
  if (!asked.trim()) {
    byId("fault").textContent = "Write a text first.";
    text.focus();
    return;
  }
  const models = compare.checked ? server.models : server.models.slice(0, 1);
  status.textContent = "Asking…";
  for (const place of ["answers", "words"]) byId(place).setAttribute("aria-busy", "true");
  try {
    await showAnswers(models, asked, signal);
    await showWords(models, asked, signal);
  } catch (error) {
    if (error.name === "AbortError") return;
    status.textContent = "";
    byId("warnings").replaceChildren();
    for (const place of ["answers", "words"]) byId(place).hidden = true;
    byId("fault").textContent = error.message;
    if (error.status === 401) await begin();
  } finally {
    if (!signal.aborted) for (const place of ["answers", "words"]) byId(place).removeAttribute("aria-busy");
  }
}

async function showAnswers(models, asked, signal) {
  const began = performance.now();
  const found = await Promise.all(models.map((model) => ask("POST", "/predict", { texts: asked, model: model.part }, signal)));
  const took = Math.round(performance.now() - began);
  await refresh(found, signal);
  const names = titles(found.map((answers) => answers.model));
  const sides = models.map((model, number) => ({
    title: names[number],
    tasks: server.models.find((one) => one.part === model.part).tasks,
    answers: found[number].predictions[0].answers,
    text: asked,
  }));
  const differing = drawAnswers(byId("answers"), sides);
  byId("answers").hidden = false;
  byId("answers").removeAttribute("aria-busy");
  const warnings = new Set(found.flatMap((answers) => answers.warnings));
  byId("warnings").replaceChildren(...[...warnings].map((warning) => make("li", {}, warning)));
  const agreement = differing.length ? `They differ on ${differing.join(", ")}.` : "Their answers agree.";
  status.textContent = `Answered by ${names.join(" and ")} in ${took} ms.${sides.length > 1 ? ` ${agreement}` : ""}`;
}

// A new version may have taken over since the page was opened; its tasks may be others.
async function refresh(found, signal) {
  const known = new Set(server.models.map((model) => model.model.fingerprint));
  if (found.every((answers) => known.has(answers.model.fingerprint))) return;
  server = await ask("GET", "/tasks", undefined, signal);
  byId("models").textContent = `${title(server.models[0].model)}, ${server.models[0].network}`;
}

async function showWords(answering, asked, signal) {
  const models = answering.filter((model) => model.explains);
  byId("words").hidden = !models.length;
  if (!models.length) return;
  const explain = (model, more = {}) => ask("POST", "/explain", { text: asked, model: model.part, ...more }, signal);
  const found = await Promise.all(models.map((model) => explain(model)));
  const names = titles(found.map((explanation) => explanation.model));
  const sides = models.map((model, number) => ({
    title: names[number],
    explanation: found[number],
    leaveOut: (tasks) => explain(model, { leave_out: true, tasks }).catch(tell),
  }));
  drawWords(byId("words"), sides);
  byId("words").hidden = false;
}

function tell(error) {
  if (error.name !== "AbortError") byId("fault").textContent = error.message;
}

byId("question").addEventListener("submit", (event) => {
  event.preventDefault();
  answer();
});
text.addEventListener("input", count);
text.addEventListener("keydown", (event) => {
  const asks = event.key === "Enter" && !event.shiftKey && !event.isComposing;
  const typing = matchMedia("(pointer: coarse)").matches && !event.ctrlKey && !event.metaKey; // a phone has no other way to begin a line
  if (!asks || typing) return;
  event.preventDefault();
  answer();
});
compare.addEventListener("change", () => {
  if (!byId("answers").hidden) answer();
});

begin();
