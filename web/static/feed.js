// The live table: bounded, painted at most four times a second, and never moving under the pointer.

import { badge, element, milliseconds, money, time } from "./format.js";

const KEPT = 200;
const SHOWN = 60;
const PAINT_MS = 250;
const PROMISE_MS = 50;

export class Feed {
  constructor({ body, region, empty, fresh, pause, score }) {
    Object.assign(this, { body, region, empty, fresh, pause, score });
    this.kept = [];
    this.waiting = [];
    this.held = false;
    this.paused = false;
    region.addEventListener("pointerenter", () => { this.held = true; });
    region.addEventListener("pointerleave", () => { this.held = false; });
    fresh.addEventListener("click", () => this.show());
    pause.addEventListener("click", () => {
      this.paused = !this.paused;
      pause.setAttribute("aria-pressed", String(this.paused));
      pause.textContent = this.paused ? "Resume" : "Pause";
      if (!this.paused) this.show();
    });
    score.addEventListener("input", () => this.paint());
    setInterval(() => this.tick(), PAINT_MS);
  }

  add(scored) {
    this.waiting.push(...scored);
    if (this.waiting.length > KEPT) this.waiting.splice(0, this.waiting.length - KEPT);
  }

  tick() {
    if (!this.waiting.length || document.hidden) return;
    if (this.paused || this.held) {
      this.fresh.hidden = false;
      this.fresh.textContent = `${this.waiting.length}${this.waiting.length === KEPT ? "+" : ""} new – show`;
    } else {
      this.show();
    }
  }

  show() {
    this.kept = distinct([...this.waiting.reverse(), ...this.kept]).slice(0, KEPT);
    this.waiting = [];
    this.fresh.hidden = true;
    this.paint();
  }

  paint() {
    const least = Number(this.score.value) || 0;
    const rows = this.kept.filter((one) => one.risk_score >= least).slice(0, SHOWN);
    this.empty.hidden = rows.length > 0;
    if (!rows.length && this.kept.length) this.empty.textContent = `None of the latest ${this.kept.length} has a score of ${least} or more.`;
    this.body.replaceChildren(...rows.map(row));
  }
}

// A worker that was killed sends again what it may have sent before: the same decision, shown once.
export function distinct(decisions) {
  const first = new Map();
  for (const one of decisions) if (!first.has(one.transaction_id)) first.set(one.transaction_id, one);
  return [...first.values()];
}

function row(one) {
  const latency = one.latency_ms.total;
  const where = [one.country, one.category.replaceAll("_", " ")].filter(Boolean).join(" · ");
  return element("tr", {},
    element("td", { textContent: time(one.scored_at), title: one.scored_at }),
    element("td", {}, badge(one.decision)),
    element("td", { className: "number", textContent: one.risk_score, title: one.probability === null ? "no model" : `probability ${one.probability}` }),
    element("td", { className: "number", textContent: money(one.amount, one.currency), title: `${one.amount} ${one.currency}` }),
    element("td", { className: "clip", textContent: one.user_id, title: one.user_id }),
    element("td", { textContent: where }),
    element("td", { className: latency > PROMISE_MS ? "number slow" : "number", textContent: milliseconds(latency), title: `features ${one.latency_ms.features} ms, model ${one.latency_ms.model} ms` }),
  );
}
