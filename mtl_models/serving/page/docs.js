// The API, read from the server's own OpenAPI document, and a way to try it.

import { ask, call } from "./api.js";
import { byId, make } from "./dom.js";
import { unlocked } from "./unlock.js";

async function begin() {
  try {
    const found = await unlocked(() => ask("GET", "/openapi.json"));
    byId("about").textContent = found.info.description;
    const operations = Object.entries(found.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => drawOperation(found, path, method.toUpperCase(), operation)),
    );
    byId("operations").replaceChildren(...operations);
  } catch (error) {
    byId("fault").textContent = error.message;
  }
}

function drawOperation(found, path, method, operation) {
  const asked = resolve(found, operation.requestBody?.content["application/json"].schema);
  const answers = Object.entries(operation.responses);
  const given = resolve(found, answers[0][1].content?.["application/json"]?.schema);
  return make(
    "section",
    { class: "operation", "aria-label": `${method} ${path}` },
    make("h2", {}, make("span", { class: "method" }, method), " ", make("code", {}, path)),
    make("p", {}, operation.description ?? operation.summary ?? ""),
    asked ? make("h3", {}, "Question") : null,
    asked ? fields(found, asked) : null,
    given ? make("h3", {}, "Answer") : null,
    given ? fields(found, given) : null,
    make("p", { class: "soft" }, `Status: ${answers.map(([status, answer]) => `${status} ${answer.description}`).join(", ")}`),
    tryOut(method, path, asked),
  );
}

const resolve = (found, schema) => (schema?.$ref ? found.components.schemas[schema.$ref.split("/").at(-1)] : schema);

// The fields of an object, those of the objects inside it below them, indented.
function fields(found, schema) {
  const rows = [];
  const add = (object, depth) => {
    for (const [name, field] of Object.entries(object.properties ?? {})) {
      const needed = object.required?.includes(name) ? "" : ", optional";
      const label = make("code", {}, `${"\u00a0\u00a0".repeat(depth)}${name}`);
      rows.push(make("tr", {}, make("th", { scope: "row" }, label), make("td", {}, `${kind(found, field)}${needed}`), make("td", {}, ...spoken(field.description ?? ""))));
      for (const inner of objects(found, field)) add(inner, depth + 1);
    }
  };
  add(schema, 0);
  const head = ["Field", "Form", ""].map((word) => make("th", { scope: "col" }, word));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Fields" }, make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)));
}

// The objects that a field holds, or that a list in it holds; of several kinds, all.
function objects(found, field) {
  const schema = resolve(found, field);
  if (schema.properties) return [schema];
  if (schema.items) return objects(found, schema.items);
  return (schema.anyOf ?? []).flatMap((form) => objects(found, form));
}

// Text in which `code` is marked by backticks.
const spoken = (text) => text.split("`").map((part, place) => (place % 2 ? make("code", {}, part) : part));

function kind(found, field) {
  const schema = resolve(found, field);
  if (schema.anyOf) return schema.anyOf.map((form) => kind(found, form)).join(" or ");
  if (schema.type === "array") return `list of ${kind(found, schema.items)}${schema.maxItems ? `, at most ${schema.maxItems}` : ""}`;
  if (schema.enum) return schema.enum.map((value) => `"${value}"`).join(" | ");
  if (schema.const) return `"${schema.const}"`;
  if (schema.additionalProperties) return `name → ${kind(found, schema.additionalProperties)}`;
  if (schema.properties) return schema.title ?? "object";
  return `${schema.type ?? "any"}${schema.maxLength ? ` (at most ${schema.maxLength})` : ""}`;
}

function tryOut(method, path, asked) {
  const example = asked ? JSON.stringify(asked.examples[0], null, 2) : "";
  const body = make("textarea", { class: "code", rows: "4", spellcheck: "false", "aria-label": `Question for ${path}` });
  body.value = example;
  const given = make("pre", { role: "status", tabindex: "0", hidden: true });
  const send = make("button", { type: "submit" }, "Send");
  const form = make("form", {}, asked ? body : null, make("div", { class: "row" }, send), given);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    given.hidden = false;
    given.textContent = "Asking…";
    try {
      const answer = await call(method, path, asked ? body.value : undefined);
      const said = await answer.text();
      const json = answer.headers.get("content-type")?.includes("json");
      given.textContent = `${answer.status} ${answer.statusText}\n${json ? JSON.stringify(JSON.parse(said), null, 2) : said}`;
    } catch (error) {
      given.textContent = error.message;
    }
  });
  const options = asked ? ` -H 'Content-Type: application/json' \\\n  -d '${JSON.stringify(asked.examples[0])}'` : "";
  return make("details", {}, make("summary", {}, "Try it"), make("pre", {}, `curl ${location.origin}${path}${options}`), form);
}

begin();
