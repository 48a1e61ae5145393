// The server's API. The token is a variable of this module: it is written nowhere, and gone with the page.

import { byId } from "./dom.js";

let token = null;

export class Fault extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export async function call(method, path, body, signal) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  let answer;
  try {
    answer = await fetch(path, { method, headers, body, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Fault(0, "The server does not answer. Is it still running?");
  }
  return answer;
}

// The JSON of an answer; what is no answer is a Fault with the server's reason.
export async function ask(method, path, question, signal) {
  const answer = await call(method, path, question && JSON.stringify(question), signal);
  if (answer.ok) return answer.json();
  const problem = await answer.json().catch(() => ({}));
  throw new Fault(answer.status, problem.detail ?? `The server answered with status ${answer.status}.`);
}

// Run `begin`; where the server wants a token, ask for it until `begin` succeeds.
export async function unlocked(begin) {
  const form = byId("unlock");
  for (;;) {
    try {
      const result = await begin();
      form.hidden = true;
      return result;
    } catch (error) {
      if (error.status !== 401) throw error;
      byId("unlock-fault").textContent = token ? "That is not the token." : "";
      form.hidden = false;
      byId("token").value = "";
      byId("token").focus();
      token = await submitted(form);
    }
  }
}

function submitted(form) {
  return new Promise((resolve) => {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      resolve(byId("token").value.trim());
    }, { once: true });
  });
}
