// Hour by weekday as a real table: each cell has its number in words, and its shade only helps the eye.

import { element } from "./dom.js";
import { count, share } from "./format.js";

const DAYS = [1, 2, 3, 4, 5, 6, 0];
const dayName = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const nameOf = (day) => dayName.format(new Date(2026, 10, 1 + day)); // 1 November 2026 is a Sunday
const STEPS = 6;

// hours: [{at, transactions, flagged}] in UTC; shown in the viewer's time.
export function heatmap(table, hours) {
  const cells = new Map();
  for (const one of hours) {
    const when = new Date(one.at);
    const key = `${when.getDay()}-${when.getHours()}`;
    const sum = cells.get(key) ?? { transactions: 0, flagged: 0 };
    sum.transactions += one.transactions;
    sum.flagged += one.flagged;
    cells.set(key, sum);
  }
  const rates = [...cells.values()].map((one) => one.flagged / one.transactions);
  const top = Math.max(...rates, 1e-9);
  const cell = (day, hour) => {
    const sum = cells.get(`${day}-${hour}`);
    const made = element("td", { textContent: sum ? count(sum.flagged) : "" });
    if (!sum) return made;
    const rate = sum.flagged / sum.transactions;
    made.dataset.step = Math.round((STEPS - 1) * (rate / top));
    made.title = `${nameOf(day)} ${hour}:00 – ${count(sum.flagged)} of ${count(sum.transactions)} flagged (${share(rate)})`;
    return made;
  };
  table.replaceChildren(
    table.querySelector("caption"),
    element("thead", {}, element("tr", {}, element("td", {}), ...Array.from({ length: 24 }, (_, hour) => element("th", { scope: "col", textContent: hour })))),
    element("tbody", {}, ...DAYS.map((day) => element("tr", {}, element("th", { scope: "row", textContent: nameOf(day) }), ...Array.from({ length: 24 }, (_, hour) => cell(day, hour))))),
  );
}
