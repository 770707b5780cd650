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
export const expectedLoss = (loss) => (loss === null ? "expected loss not known in euro" : `${euro(loss)} at stake`);

const timeFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
export const time = (iso) => timeFormat.format(new Date(iso));

const momentFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
export const moment = (iso) => momentFormat.format(new Date(iso));

const countFormat = new Intl.NumberFormat();
export const count = (number) => countFormat.format(number);

const figureFormat = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
export const figure = (number) => figureFormat.format(number);

const shareFormat = new Intl.NumberFormat(undefined, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
export const share = (part) => (part === null || part === undefined ? "–" : shareFormat.format(part));

export function milliseconds(ms) {
  if (ms === null) return "–";
  if (ms >= 10_000) return span(ms / 1000);
  return `${ms >= 100 ? ms.toFixed(0) : ms.toFixed(1)} ms`;
}

// A span of seconds by its largest unit.
export function span(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 2 * 86_400) return `${figure(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

export const since = (iso) => (Date.now() - new Date(iso)) / 1000;

const regions = new Intl.DisplayNames(undefined, { type: "region", fallback: "code" });
export const country = (code) => (/^[A-Z]{2}$/.test(code ?? "") ? regions.of(code) : code || "unknown");

export const words = (name) => name.replaceAll("_", " ");
