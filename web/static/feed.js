// The live table: bounded, painted at most four times a second, and never moving under the pointer, the focus or a reader who scrolled.
// While rows flow only those that can be seen are made; as soon as somebody holds the table, all of them are.

import { badge, element, keyOf, link, transactionPage, userPage } from "./dom.js";
import { country, milliseconds, money, time, words } from "./format.js";
import { on } from "./keys.js";

const KEPT = 500;
const PAINT_MS = 250;
const PROMISE_MS = 50;
const FLOWING = 40;
const STEP = 60;
const STEP_MS = 40;

// The list and the feed arrive in any order, and each has what the other lacks. Times are texts of one format.
export const newestFirst = (decisions) => decisions.sort((a, b) => (a.scored_at < b.scored_at) - (a.scored_at > b.scored_at));

export class Feed {
  // matches: whether a decision passes the filters now.
  constructor({ body, region, empty, fresh, pause, shown = KEPT, matches = () => true }) {
    Object.assign(this, { body, region, empty, fresh, pause, shown, matches });
    this.kept = [];
    this.known = new Set();
    this.waiting = new Map();
    this.rows = new Map();
    this.pointed = false;
    this.paused = false;
    this.still = false; // a list of the past: nothing comes
    region.addEventListener("pointerenter", () => { this.pointed = true; this.paint(); });
    region.addEventListener("pointerleave", () => { this.pointed = false; });
    for (const kind of ["focusin", "scroll"]) region.addEventListener(kind, () => this.paint());
    fresh.addEventListener("click", () => {
      this.show();
      region.scrollTop = 0;
      region.focus({ preventScroll: true }); // the button is gone, and with it the focus would be
    });
    pause.addEventListener("click", () => this.setPaused(!this.paused));
    on("p", "pause or resume the feed", () => this.setPaused(!this.paused));
    setInterval(() => this.tick(), PAINT_MS);
  }

  get held() {
    const focused = document.activeElement;
    return this.still || this.paused || this.pointed || this.region.scrollTop > 0 || focused === this.fresh || this.body.contains(focused);
  }

  setPaused(paused) {
    this.paused = paused;
    this.pause.setAttribute("aria-pressed", String(paused));
    this.pause.textContent = paused ? "Resume" : "Pause";
    if (paused) this.paint(); else this.show();
  }

  // In any order. A worker that was killed sends again what it may have sent before: the same decision, shown once.
  add(decisions) {
    for (const one of decisions) {
      if (!this.matches(one) || this.known.has(keyOf(one)) || this.waiting.has(keyOf(one))) continue;
      this.waiting.set(keyOf(one), one);
    }
    if (this.waiting.size <= this.shown) return;
    for (const old of newestFirst([...this.waiting.values()]).slice(this.shown)) this.waiting.delete(keyOf(old));
  }

  tick() {
    if (document.hidden || !this.waiting.size) return;
    if (this.held) {
      this.fresh.hidden = false;
      this.fresh.textContent = `${this.waiting.size}${this.waiting.size === this.shown ? "+" : ""} new – show`;
    } else {
      this.show();
    }
  }

  show() {
    this.keep(newestFirst([...[...this.waiting.values()].reverse(), ...this.kept]).slice(0, this.shown));
    this.waiting.clear();
    this.fresh.hidden = true;
  }

  // Older decisions, newest first, below what is shown.
  append(decisions) {
    this.keep([...this.kept, ...decisions.filter((one) => !this.known.has(keyOf(one)))]);
  }

  clear() {
    this.waiting.clear();
    this.fresh.hidden = true;
    this.keep([]);
  }

  keep(decisions) {
    this.kept = decisions;
    this.known = new Set(decisions.map(keyOf));
    this.empty.hidden = decisions.length > 0;
    this.paint();
  }

  // Rows that stay are the same elements, so the focus in them stays too. All of 500 at once would hold up a click: they are made bit by bit.
  paint() {
    clearTimeout(this.more);
    const room = this.held ? Math.max(FLOWING, this.rows.size) + STEP : FLOWING;
    const made = this.kept.slice(0, room);
    const rows = new Map(made.map((one) => [keyOf(one), this.rows.get(keyOf(one)) ?? row(one)]));
    for (const [id, old] of this.rows) if (!rows.has(id)) old.remove();
    let place = this.body.firstChild;
    for (const one of rows.values()) {
      if (one === place) place = place.nextSibling; else this.body.insertBefore(one, place);
    }
    this.rows = rows;
    const rest = this.kept.length - made.length;
    this.region.style.setProperty("--rest", `${rest && this.body.firstChild ? rest * this.body.firstChild.offsetHeight : 0}px`);
    if (rest && this.held) this.more = setTimeout(() => this.paint(), STEP_MS);
  }
}

const NUMBER = { className: "number" };

export function row(one) {
  const latency = one.latency_ms.total;
  const reason = one.reasons[0]?.text ?? "";
  return element("tr", { "data-row": "" },
    element("td", {}, link(transactionPage(one), time(one.scored_at), { title: one.scored_at })),
    element("td", {}, badge(one.decision)),
    element("td", { ...NUMBER, textContent: one.risk_score, title: one.probability === null ? "no model" : `probability ${one.probability}` }),
    element("td", { ...NUMBER, textContent: money(one.amount, one.currency), title: `${one.amount} ${one.currency}` }),
    element("td", { className: "clip" }, link(userPage(one.user_id), one.user_id, { title: one.user_id })),
    element("td", { className: "clip", textContent: one.country ?? "–", title: country(one.country) }),
    element("td", { className: "clip", textContent: words(one.category) }),
    element("td", { className: "clip wide-only", textContent: reason || "–", title: reason }),
    element("td", { className: latency > PROMISE_MS ? "number slow" : "number", textContent: milliseconds(latency), title: `features ${one.latency_ms.features} ms, model ${one.latency_ms.model} ms` }),
  );
}
