// Making and filling elements. All data was made by strangers: only textContent, never markup.

export const at = (id) => document.getElementById(id);
export const say = (id, text) => { if (at(id).textContent !== String(text)) at(id).textContent = text; };

export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) made[name] = value; else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export const link = (href, text, properties = {}) => element("a", { href, textContent: text, ...properties });
export const to = (page, parameters) => {
  const given = Object.entries(parameters ?? {}).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return given.length ? `${page}?${new URLSearchParams(given)}` : page;
};
// A transaction is named by its customer and its id; two customers may have the same id.
export const keyOf = (one) => JSON.stringify([one.user_id, one.transaction_id]);
export const transactionPage = (one) => to(`/tx/${encodeURIComponent(one.transaction_id)}`, { user_id: one.user_id });
export const transactionApi = (one, part = "") => to(`/api/transactions/${encodeURIComponent(one.transaction_id)}${part}`, { user_id: one.user_id });
export const userPage = (id) => `/users/${encodeURIComponent(id)}`;

const SIGNS = { approve: "●", review: "▲", block: "■", fraud: "◆", skip: "○", undo: "↶" };
const WORDS = { approve: "Approved", review: "Review", block: "Blocked", fraud: "Fraud reported", skip: "Skipped", undo: "Taken back" };

export const wordOf = (decision) => WORDS[decision];

export function signed(kind, sign, word) {
  return element("span", { className: `badge ${kind}` }, element("span", { textContent: sign, "aria-hidden": "true" }), word);
}

export const badge = (decision) => signed(decision, SIGNS[decision], WORDS[decision]);

const cellOf = (tag, value, scope) => {
  const made = value instanceof Node ? element(tag, {}, value) : element(tag, { textContent: value ?? "–" });
  if (scope) made.scope = scope;
  return made;
};

// A table of these rows. Numbers are set to the right; a cell may be an element.
export function fill(table, head, rows) {
  const numeric = head.map((_, place) => rows.length > 0 && rows.every((row) => typeof row[place] === "number"));
  const line = (tag, values, scope) => {
    const made = element("tr", {}, ...values.map((value) => cellOf(tag, value, scope)));
    numeric.forEach((is, place) => is && made.children[place].classList.add("number"));
    return made;
  };
  const caption = table.querySelector("caption");
  table.replaceChildren(...(caption ? [caption] : []), element("thead", {}, line("th", head, "col")), element("tbody", {}, ...rows.map((row) => line("td", row))));
}

// The data of a chart, made only when somebody opens it.
export function dataOf(table, head, rows) {
  if (table.closest("details").open) fill(table, head, rows());
}
