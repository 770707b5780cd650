// The bar under a case: approve, block, report fraud or skip, with a reason and a note, and ten seconds to take it back.

import { ask } from "./api.js";
import { at, element, transactionApi, wordOf } from "./dom.js";
import { words } from "./format.js";
import { on } from "./keys.js";
import { toast } from "./notices.js";

const VERDICTS = [["approve", "Approve", "a"], ["block", "Block", "b"], ["fraud", "Report fraud", "f"], ["skip", "Skip", "s"]];
const REASONS = ["customer_confirmed", "known_pattern", "card_testing", "account_takeover", "stolen_card", "chargeback", "unusual_but_plausible", "other"];

// given({one, verdict}) after a verdict on a transaction, undone({one}) after it was taken back.
export class VerdictBar {
  constructor(target, { given, undone }) {
    Object.assign(this, { target, given, undone });
    this.one = null;
    this.last = null;
    this.reason = element("select", { id: "verdict-reason" }, element("option", { value: "", textContent: "no reason" }), ...REASONS.map((one) => element("option", { value: one, textContent: words(one) })));
    this.note = element("textarea", { id: "verdict-note", rows: 2, maxLength: 2000, placeholder: "What did you find out?" });
    this.buttons = VERDICTS.map(([verdict, text, key]) => element("button", { type: "button", className: `verdict ${verdict}`, "aria-keyshortcuts": key, onclick: () => this.give(verdict) }, `${text} `, element("kbd", { textContent: key, "aria-hidden": "true" })));
    this.state = element("p", { className: "note", role: "status" });
    target.replaceChildren(
      element("div", { className: "why-fields" },
        element("label", { htmlFor: "verdict-reason" }, "Reason ", this.reason), element("label", { htmlFor: "verdict-note" }, "Note ", this.note)),
      element("div", { className: "actions four" }, ...this.buttons), this.state);
    for (const [verdict, text, key] of VERDICTS) on(key, `${text.toLowerCase()} the open payment`, () => this.give(verdict));
    on("n", "write a note", () => this.note.focus());
    on("u", "take the last verdict back", () => this.undo());
    this.enable(false);
  }

  open(one, { supersedes = null, blocked = null } = {}) {
    this.one = one;
    this.supersedes = supersedes?.verdict_id ?? null;
    this.reason.value = "";
    this.note.value = "";
    this.state.textContent = blocked ?? (supersedes ? `${wordOf(supersedes.verdict)} by ${supersedes.analyst}; a new verdict replaces it.` : "");
    this.enable(!blocked);
  }

  close() {
    this.one = null;
    this.state.textContent = "";
    this.enable(false);
  }

  enable(can) {
    for (const one of this.buttons) one.disabled = !can;
  }

  async give(verdict) {
    if (!this.one || this.buttons[0].disabled) return;
    const one = this.one;
    this.enable(false);
    try {
      const given = await ask(transactionApi(one, "/verdicts"), {
        method: "POST", body: { verdict, reason: this.reason.value || null, note: this.note.value, supersedes: this.supersedes },
      });
      this.last = { one, verdict_id: given.verdict_id };
      const seconds = Math.max(1, (new Date(given.undo_until) - new Date(given.given_at)) / 1000);
      this.gone = toast(`${wordOf(verdict)}.`, { seconds, countdown: true, action: ["Undo (u)", () => this.undo()] });
      await this.given({ one, verdict });
    } catch (error) {
      this.state.textContent = `Not recorded: ${error.told ?? error.message}`;
      this.enable(true);
    }
  }

  async undo() {
    if (!this.last) return;
    const { one, verdict_id: verdict } = this.last;
    this.last = null;
    this.gone?.();
    try {
      await ask(transactionApi(one, `/verdicts/${verdict}`), { method: "DELETE" });
      toast("Taken back.");
      await this.undone({ one });
    } catch (error) {
      toast(`Not taken back: ${error.told ?? error.message}`);
    }
  }
}

export const barIn = (id, hooks) => new VerdictBar(at(id), hooks);
