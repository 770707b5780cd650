// The live table: bounded, painted at most four times a second, and never moving under the pointer, the focus or a reader who scrolled.

import { badge, element, link, transactionPage, userPage } from "./dom.js";
import { country, milliseconds, money, time, words } from "./format.js";
import { on } from "./keys.js";

const KEPT = 500;
const PAINT_MS = 250;
const PROMISE_MS = 50;

export class Feed {
  // matches: whether a decision passes the filters now.
  constructor({ body, region, empty, fresh, pause, shown = KEPT, matches = () => true }) {
    Object.assign(this, { body, region, empty, fresh, pause, shown, matches });
    this.rows = new Map();
    this.waiting = new Map();
    this.pointed = false;
    this.paused = false;
    region.addEventListener("pointerenter", () => { this.pointed = true; });
    region.addEventListener("pointerleave", () => { this.pointed = false; });
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
    return this.paused || this.pointed || this.region.scrollTop > 0 || focused === this.fresh || this.body.contains(focused);
  }

  setPaused(paused) {
    this.paused = paused;
    this.pause.setAttribute("aria-pressed", String(paused));
    this.pause.textContent = paused ? "Resume" : "Pause";
    if (!paused) this.show();
  }

  // Oldest first. A worker that was killed sends again what it may have sent before: the same decision, shown once.
  add(decisions) {
    for (const one of decisions) {
      if (!this.matches(one) || this.rows.has(one.transaction_id) || this.waiting.has(one.transaction_id)) continue;
      this.waiting.set(one.transaction_id, one);
      if (this.waiting.size > this.shown) this.waiting.delete(this.waiting.keys().next().value);
    }
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
    const made = [...this.waiting.values()].reverse().map((one) => row(one));
    for (const one of [...made].reverse()) this.rows.set(one.dataset.id, one);
    this.waiting.clear();
    this.fresh.hidden = true;
    this.body.prepend(...made);
    while (this.rows.size > this.shown) {
      const [id, oldest] = this.rows.entries().next().value;
      this.rows.delete(id);
      oldest.remove();
    }
    this.empty.hidden = this.rows.size > 0;
  }

  // Older decisions, newest first, below what is shown.
  append(decisions) {
    const made = decisions.filter((one) => !this.rows.has(one.transaction_id)).map((one) => row(one));
    this.rows = new Map([...made.map((one) => [one.dataset.id, one]).reverse(), ...this.rows]);
    this.body.append(...made);
    this.empty.hidden = this.rows.size > 0;
  }

  clear() {
    this.rows.clear();
    this.waiting.clear();
    this.fresh.hidden = true;
    this.body.replaceChildren();
  }
}

const NUMBER = { className: "number" };

export function row(one) {
  const latency = one.latency_ms.total;
  const reason = one.reasons[0]?.text ?? "";
  const made = element("tr", { "data-row": "" },
    element("td", {}, link(transactionPage(one.transaction_id), time(one.scored_at), { title: one.scored_at })),
    element("td", {}, badge(one.decision)),
    element("td", { ...NUMBER, textContent: one.risk_score, title: one.probability === null ? "no model" : `probability ${one.probability}` }),
    element("td", { ...NUMBER, textContent: money(one.amount, one.currency), title: `${one.amount} ${one.currency}` }),
    element("td", { className: "clip" }, link(userPage(one.user_id), one.user_id, { title: one.user_id })),
    element("td", { className: "clip", textContent: one.country ?? "–", title: country(one.country) }),
    element("td", { className: "clip", textContent: words(one.category) }),
    element("td", { className: "clip wide-only", textContent: reason || "–", title: reason }),
    element("td", { className: latency > PROMISE_MS ? "number slow" : "number", textContent: milliseconds(latency), title: `features ${one.latency_ms.features} ms, model ${one.latency_ms.model} ms` }),
  );
  made.dataset.id = one.transaction_id;
  return made;
}
