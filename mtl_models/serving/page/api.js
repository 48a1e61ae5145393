// The server's API. The token is a variable of this module: it is written nowhere, and gone with the page.

let token = null;

export const hasToken = () => token !== null;
export const useToken = (given) => {
  token = given;
};

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
