// What is wrong, in one bar on top of the page; and short messages that pass.

import { at, element } from "./dom.js";

const lines = new Map();

// One sentence by its source; null when it is over. `aside` may change every second and is not read out; an action is a button.
export function problem(source, text, { aside = "", action } = {}) {
  let line = lines.get(source);
  if (!text) {
    line?.made.remove();
    lines.delete(source);
  } else {
    if (!line) {
      line = { words: element("span"), aside: element("span", { "aria-hidden": "true" }) };
      line.made = element("p", {}, line.words, line.aside);
      if (action) line.made.append(" ", element("button", { type: "button", textContent: action[0], onclick: action[1] }));
      lines.set(source, line);
      at("notice").append(line.made);
    }
    if (line.words.textContent !== text) line.words.textContent = text;
    line.aside.textContent = aside;
  }
  at("notice").hidden = lines.size === 0;
}

let timer;

// A message with an optional button; it goes after some seconds. Returns how to take it away before.
export function toast(text, { seconds = 6, action, countdown = false } = {}) {
  clearInterval(timer);
  const words = element("span", { textContent: text });
  const left = element("span", { className: "note", "aria-hidden": "true" });
  const made = element("div", { className: "toast" }, words, left);
  if (action) made.append(element("button", { type: "button", textContent: action[0], onclick: action[1] }));
  at("toasts").replaceChildren(made);
  const end = performance.now() + seconds * 1000;
  const gone = () => { clearInterval(timer); made.remove(); };
  timer = setInterval(() => {
    const rest = Math.ceil((end - performance.now()) / 1000);
    if (countdown) left.textContent = `${rest} s`;
    if (rest <= 0) gone();
  }, 200);
  return gone;
}
