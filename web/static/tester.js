// The test form: sends a ready-made transaction the whole way and shows what was decided, how fast and why.

import { badge, element, milliseconds, money } from "./format.js";

const WAIT_MS = 5000;

export async function submit(kind, target, buttons) {
  buttons.forEach((button) => { button.disabled = true; });
  try {
    const sample = await (await fetch(`/api/samples/${kind}`)).json();
    const started = performance.now();
    const answer = await fetch(`/api/transactions?wait=${WAIT_MS}`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(sample),
    });
    const body = await answer.json();
    const roundTrip = performance.now() - started;
    if (answer.status === 200) target.replaceChildren(card(body, roundTrip));
    else if (answer.status === 202) target.replaceChildren(message(`Accepted, but no decision within ${WAIT_MS / 1000} s. It will appear in the feed.`));
    else target.replaceChildren(message(`${body.title}: ${body.detail} (request ${body.request_id})`));
  } catch (error) {
    target.replaceChildren(message(`The server did not answer: ${error.message}`));
  } finally {
    buttons.forEach((button) => { button.disabled = false; });
  }
}

function message(text) {
  return element("div", { className: "result" }, element("p", { textContent: text }));
}

function card(scored, roundTrip) {
  const facts = [
    ["Amount", money(scored.amount, scored.currency)],
    ["Probability of fraud", scored.probability === null ? "no model" : `${(scored.probability * 100).toFixed(2)} %`],
    ["Decided in", milliseconds(scored.latency_ms.total)],
    ["of that features, model", `${milliseconds(scored.latency_ms.features)}, ${milliseconds(scored.latency_ms.model)}`],
    ["Round trip of this page", milliseconds(roundTrip)],
    ["Transaction", scored.transaction_id],
  ];
  if (scored.degraded.length) facts.push(["Decided without", scored.degraded.join(", ")]);
  const strongest = Math.max(...scored.reasons.map((reason) => reason.contribution), 1e-9);
  const reasons = scored.reasons.map((reason) => {
    const bar = element("span", {});
    bar.style.width = `${Math.max(4, (100 * reason.contribution) / strongest)}%`;
    const meter = element("span", { className: "meter" }, bar);
    meter.setAttribute("aria-hidden", "true");
    return element("li", { title: `${reason.code}: ${reason.contribution > 0 ? "+" : ""}${reason.contribution} log-odds` }, reason.text, meter);
  });
  const score = element("span", { className: "score", textContent: scored.risk_score, title: "risk score, 0 to 99" });
  return element("div", { className: `result ${scored.decision}` },
    element("div", { className: "top" }, badge(scored.decision), score),
    element("dl", {}, ...facts.flatMap(([name, value]) => [element("dt", { textContent: name }), element("dd", { textContent: value })])),
    reasons.length ? element("ul", { className: "reasons" }, ...reasons) : element("p", { className: "note", textContent: "Nothing raised the risk enough to be named." }),
  );
}
