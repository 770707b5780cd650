// Keyboard: single keys that can be turned off (WCAG 2.1.4), never one that the browser uses, and a list of them behind "?".

import { at, element } from "./dom.js";

const OFF = "fraud-single-keys-off";
const PREFIX_MS = 1200;
const bindings = new Map();
let prefix = -Infinity;

// key: "j", or "g o" for two in a row.
export function on(key, words, act) {
  bindings.set(key, { words, act });
}

const typing = (target) => target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");

// Rows are links in elements marked data-row; moving is moving the focus, so Enter opens without a line of code.
function move(step) {
  const rows = [...document.querySelectorAll("[data-row]:not([hidden]) > a, [data-row]:not([hidden]) > td > a:first-child")].filter((one, place, all) => all.findIndex((other) => other.closest("[data-row]") === one.closest("[data-row]")) === place);
  if (!rows.length) return;
  const here = rows.findIndex((one) => one.closest("[data-row]") === document.activeElement.closest?.("[data-row]"));
  const next = rows[Math.max(0, Math.min(rows.length - 1, here < 0 ? 0 : here + step))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

function help() {
  const dialog = at("help");
  if (dialog.open) { dialog.close(); return; }
  at("help-keys").replaceChildren(...[...bindings].filter(([, one]) => one.words).map(([key, one]) => element("div", {}, element("dt", {}, ...key.split(" ").map((part) => element("kbd", { textContent: part }))), element("dd", { textContent: one.words }))));
  at("single-keys").checked = !localStorage.getItem(OFF);
  dialog.showModal();
}

export function listen() {
  on("?", "this list", help);
  on("j", "next row", () => move(1));
  on("k", "row before", () => move(-1));
  on("/", "search or filter", () => document.querySelector("[data-search]")?.focus());
  for (const [key, page, words] of [["o", "/", "overview"], ["l", "/live", "live"], ["r", "/review", "review queue"], ["m", "/models", "models"], ["x", "/ops", "operations"]]) {
    on(`g ${key}`, `go to ${words}`, () => { location.href = page; });
  }
  at("help-open").addEventListener("click", help);
  at("help-close").addEventListener("click", () => at("help").close());
  at("single-keys").addEventListener("change", (event) => {
    if (event.target.checked) localStorage.removeItem(OFF); else localStorage.setItem(OFF, "1");
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (typing(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (document.querySelector("dialog[open]") && event.key !== "?") return;
    if (localStorage.getItem(OFF)) return;
    const key = performance.now() - prefix < PREFIX_MS ? `g ${event.key}` : event.key;
    prefix = event.key === "g" && key === "g" ? performance.now() : -Infinity;
    const found = bindings.get(key);
    if (!found) return;
    event.preventDefault();
    found.act();
  });
}
