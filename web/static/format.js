// Values for people, in the viewer's locale; the exact value goes into the title.

const moneyFormats = new Map();

export function money(amount, currency) {
  if (!moneyFormats.has(currency)) {
    moneyFormats.set(currency, new Intl.NumberFormat(undefined, { style: "currency", currency }));
  }
  return moneyFormats.get(currency).format(amount);
}

const euroShort = new Intl.NumberFormat(undefined, { style: "currency", currency: "EUR", notation: "compact", maximumFractionDigits: 1 });
export const euro = (amount) => euroShort.format(amount);

const timeFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
export const time = (iso) => timeFormat.format(new Date(iso));

const countFormat = new Intl.NumberFormat();
export const count = (number) => countFormat.format(number);

const shareFormat = new Intl.NumberFormat(undefined, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
export const share = (part) => (part === null ? "–" : shareFormat.format(part));

export function milliseconds(ms) {
  if (ms === null) return "–";
  if (ms >= 10_000) return `${(ms / 1000).toFixed(0)} s`;
  return `${ms >= 100 ? ms.toFixed(0) : ms.toFixed(1)} ms`;
}

const SIGNS = { approve: "●", review: "▲", block: "■" };
const WORDS = { approve: "Approved", review: "Review", block: "Blocked" };

// All data was made by strangers: only textContent, never markup.
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  Object.assign(made, properties);
  made.append(...children.filter((child) => child !== null));
  return made;
}

export function badge(decision) {
  const sign = element("span", { textContent: SIGNS[decision] });
  sign.setAttribute("aria-hidden", "true");
  return element("span", { className: `badge ${decision}` }, sign, WORDS[decision]);
}
