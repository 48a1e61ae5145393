// The form that asks for the server's token, where the server wants one.

import { hasToken, useToken } from "./api.js";
import { make } from "./dom.js";

// Run `begin`; where the server wants a token, ask for it until `begin` succeeds.
export async function unlocked(begin) {
  const form = drawn();
  try {
    for (;;) {
      try {
        return await begin();
      } catch (error) {
        if (error.status !== 401) throw error;
      }
      useToken(await asked(form, hasToken() ? "That is not the token." : ""));
    }
  } finally {
    form.remove();
  }
}

function drawn() {
  return make(
    "form",
    { id: "unlock", class: "panel" },
    make("h2", {}, "This server wants its token"),
    make("p", { class: "soft", id: "unlock-hint" }, "It is kept in this page only, and forgotten when the page is closed."),
    make("label", { for: "token" }, "Token"),
    make(
      "div",
      { class: "row" },
      make("input", { id: "token", type: "password", autocomplete: "off", spellcheck: "false", "aria-describedby": "unlock-hint unlock-fault", required: true }),
      make("button", { type: "submit", class: "primary" }, "Unlock"),
    ),
    make("p", { id: "unlock-fault", class: "fault", role: "alert" }),
  );
}

// What is typed into the form, which says why it asks again.
function asked(form, refused) {
  const field = form.querySelector("input");
  if (!form.isConnected) document.querySelector("main").prepend(form);
  form.querySelector(".fault").textContent = refused;
  field.value = "";
  field.focus();
  return new Promise((resolve) => {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      resolve(field.value.trim());
    }, { once: true });
  });
}
