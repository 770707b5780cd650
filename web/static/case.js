// One decided transaction: what was decided and why, what happened when, what it is related to.

import { badge, element, fill, link, to, transactionPage, userPage, wordOf } from "./dom.js";
import { country, milliseconds, moment, money, time, words } from "./format.js";

const SHOWN = 10;
const BY = { user_id: "Same customer", device_id: "Same device", ip: "Same address", card: "Same card" };

const section = (title, ...children) => element("section", { className: "part" }, element("h2", { textContent: title }), ...children);

export function standing(found) {
  const undone = new Set(found.verdicts.map((one) => one.undoes));
  return found.verdicts.filter((one) => !["skip", "undo"].includes(one.verdict) && !undone.has(one.verdict_id)).at(-1) ?? null;
}

export function show(target, found) {
  const one = found.transaction;
  const last = standing(found);
  target.replaceChildren(
    element("header", { className: "case-head" },
      element("div", { className: "top" }, badge(one.decision), last && badge(last.verdict), element("strong", { className: "figure small", textContent: money(one.amount, one.currency), title: `${one.amount} ${one.currency}` })),
      element("p", { className: "note" }, `score ${one.risk_score} of 99 · `, one.probability === null ? "no model" : `${(one.probability * 100).toFixed(2)} % likely fraud`, one.thresholds ? ` (review from ${(one.thresholds.review * 100).toFixed(2)} %, block from ${(one.thresholds.block * 100).toFixed(2)} %)` : ""),
      element("p", {}, link(userPage(one.user_id), one.user_id), ` paid ${one.merchant_id} for ${words(one.category)}, ${moment(one.occurred_at ?? one.received_at)}${one.country ? `, from ${country(one.country)}` : ""}`)),
    why(one, found.explanation),
    section("What happened when", timeline(found)),
    section("Related payments", ...found.related.map((by) => relatedBy(by))),
    section("All that is known", facts(one)),
  );
}

function why(one, explanation) {
  const parts = [];
  if (one.degraded.length) parts.push(element("p", { className: "notice", textContent: `Decided without ${one.degraded.join(" and ")}.` }));
  const unusable = one.input_warnings ?? [];
  if (unusable.length) parts.push(element("p", { className: "notice", textContent: `Could not be used as sent: ${unusable.map((warning) => `${warning.field} (${warning.problem})`).join("; ")}` }));
  parts.push(one.reasons.length
    ? element("ul", { className: "reasons" }, ...one.reasons.map((reason) => element("li", { textContent: reason.text, title: `${reason.code}: ${reason.contribution > 0 ? "+" : ""}${reason.contribution} log-odds` })))
    : element("p", { className: "note", textContent: "Nothing raised the risk enough to be named." }));
  const unknown = explanation?.filter((part) => part.value === null).map((part) => part.text.replace(/^not known: /, "")) ?? one.missing.map(words);
  if (unknown.length) parts.push(element("p", { className: "note", textContent: `Not known: ${unknown.join("; ")}` }));
  if (explanation) parts.push(contributions(explanation));
  else parts.push(element("p", { className: "note", textContent: "The contributions of all features cannot be told: another version decided, or its input was not kept." }));
  return section("Why", ...parts);
}

function contributions(explanation) {
  const strongest = Math.max(...explanation.map((part) => Math.abs(part.contribution)), 1e-9);
  const table = element("table", { className: "bars" }, element("caption", { className: "hidden", textContent: "Contribution of each feature to the log-odds of fraud, strongest first" }));
  const rows = (parts) => parts.map((part) => {
    const bar = element("span", { className: part.contribution >= 0 ? "bar raises" : "bar lowers", "aria-hidden": "true" });
    bar.style.width = `${Math.max(1, (50 * Math.abs(part.contribution)) / strongest)}%`;
    return [element("span", { textContent: part.text, title: part.meaning }), element("span", { className: "balance" }, bar), `${part.contribution >= 0 ? "+" : "−"}${Math.abs(part.contribution).toFixed(2)}`];
  });
  const head = ["Feature", "Lowers or raises the risk", "Log-odds"];
  fill(table, head, rows(explanation.slice(0, SHOWN)));
  if (explanation.length <= SHOWN) return table;
  const more = element("button", { type: "button", className: "quiet", textContent: `Show all ${explanation.length}` });
  more.addEventListener("click", () => { fill(table, head, rows(explanation)); more.remove(); });
  return element("div", { className: "scroll" }, table, more);
}

function timeline(found) {
  const one = found.transaction;
  const gap = (from, until) => milliseconds(new Date(until) - new Date(from));
  const signedGap = (from, until) => (new Date(until) >= new Date(from) ? `${gap(from, until)} after` : `${gap(until, from)} before`);
  const steps = [
    ...(one.occurred_at ? [[one.occurred_at, "Customer pressed pay", "by the shop's clock"]] : []),
    [one.received_at, "Received by the broker", one.occurred_at ? `${signedGap(one.occurred_at, one.received_at)} the shop's time` : "the shop gave no usable time"],
    [one.scored_at, "Decided", `${milliseconds(one.latency_ms.total)} after it was received: features ${milliseconds(one.latency_ms.features)}, model ${milliseconds(one.latency_ms.model)}`],
    [found.stored_at, "Stored", `${gap(one.scored_at, found.stored_at)} after the decision`],
    ...found.verdicts.map((said) => [said.given_at, `${wordOf(said.verdict)} by ${said.analyst}`, [said.reason && words(said.reason), said.note, said.undo_until && "can still be taken back"].filter(Boolean).join(" · ")]),
    ...found.dead_letters.map((letter) => [letter.at, "Dead letter", `${letter.code}: ${letter.detail}${letter.resent ? `; sent again by ${letter.resent.by}` : ""}`]),
    ...found.labels.map((label) => [label.labelled_at, `Labelled ${label.is_fraud ? "fraud" : "honest"}`, `by ${label.source}`]),
  ];
  return element("ol", { className: "timeline" }, ...steps.sort((a, b) => new Date(a[0]) - new Date(b[0])).map(([when, what, more]) =>
    element("li", {}, element("time", { dateTime: when, title: when, textContent: time(when) }), element("strong", { textContent: what }), element("span", { className: "note", textContent: more }))));
}

function relatedBy(by) {
  const title = `${BY[by.by]}: ${by.found >= 100 ? "99+" : by.found} other${by.found === 1 ? "" : "s"}`;
  if (!by.items.length) return element("p", { className: "note", textContent: `${title} (${by.value})` });
  const flagged = by.items.filter((one) => one.decision !== "approve").length;
  const table = element("table", {}, element("caption", { className: "hidden", textContent: `${title}, newest first` }));
  fill(table, ["Time", "Decision", "Score", "Amount", "Customer"], by.items.map((one) => [
    link(transactionPage(one), time(one.scored_at), { title: one.scored_at }), badge(one.decision), one.risk_score,
    money(one.amount, one.currency), link(userPage(one.user_id), one.user_id),
  ]));
  return element("details", { open: by.by === "user_id" || flagged > 0 },
    element("summary", { textContent: flagged ? `${title}, ${flagged} of the latest ${by.items.length} flagged` : title }),
    element("p", { className: "note" }, link(to("/live", { q: by.value }), `All of ${by.value}`)),
    element("div", { className: "scroll" }, table));
}

function facts(one) {
  const known = [
    ["Transaction", one.transaction_id], ["Merchant", one.merchant_id], ["Device", one.device_id], ["Address", one.ip], ["Country", one.country && `${country(one.country)} (${one.country})`],
    ["Paid by", words(one.payment_method.type)], ["Card", one.payment_method.fingerprint], ["Card's country", country(one.payment_method.bin_country)], ["Issuer's answer", one.issuer_response],
    ["Model", one.model ? `${one.model.name} ${one.model.version} (${one.model.digest})` : "none"],
  ];
  return element("div", {},
    element("dl", { className: "facts" }, ...known.flatMap(([name, value]) => [element("dt", { textContent: name }), element("dd", { textContent: value || "–" })])),
    element("details", {}, element("summary", { textContent: "As JSON" }), element("pre", { tabIndex: 0, textContent: JSON.stringify(one, null, 2) })));
}

