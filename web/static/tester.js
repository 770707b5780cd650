// The test form: sends a transaction the whole way and shows what was decided, how fast and why; or a series that tells a story.

import { ask } from "./api.js";
import { at, badge, element, link, transactionApi, transactionPage } from "./dom.js";
import { milliseconds, money } from "./format.js";

const WAIT_MS = 2000;
const LOOKS = 10;
const LOOK_MS = 500;

const buttons = () => [...at("tester").querySelectorAll("button")];

async function busy(task) {
  buttons().forEach((button) => { button.disabled = true; });
  try {
    await task();
  } catch (error) {
    at("test-result").replaceChildren(message(`Not sent: ${error.told ?? error.message}`));
  } finally {
    buttons().forEach((button) => { button.disabled = false; });
  }
}

async function send(transaction) {
  const started = performance.now();
  let body = await ask(`/api/transactions?wait=${WAIT_MS}`, { method: "POST", body: transaction });
  // Without Redis another worker's decision does not come back to this one: it is in the history soon.
  for (let tries = 0; !body.decision && tries < LOOKS; tries += 1) {
    body = await ask(transactionApi(body)).catch(() => body);
    if (!body.decision) await new Promise((resolve) => { setTimeout(resolve, LOOK_MS); });
  }
  return { body, roundTrip: performance.now() - started };
}

const submit = (kind) => busy(async () => {
  const { body, roundTrip } = await send(await ask(`/api/samples/${kind}`));
  at("test-result").replaceChildren(body.decision ? card(body, roundTrip) : late());
});

const tell = (scenario) => busy(async () => {
  const story = await ask(`/api/samples/series/${scenario}`);
  const steps = element("ol", { className: "steps" });
  const state = message(`0 of ${story.length} sent`);
  at("test-result").replaceChildren(state, steps);
  for (const [place, one] of story.entries()) {
    const { body } = await send(one);
    steps.append(body.decision ? step(body) : element("li", { textContent: "no decision in time" }));
    state.firstChild.textContent = `${place + 1} of ${story.length} sent`;
  }
});

function step(scored) {
  return element("li", {}, badge(scored.decision), element("span", { textContent: money(scored.amount, scored.currency) }), link(transactionPage(scored), `score ${scored.risk_score}`),
    element("span", { className: "note", textContent: scored.reasons[0]?.text ?? `${scored.country}, decided in ${milliseconds(scored.latency_ms.total)}` }));
}

// The schema's errors under the field; what is wrong is selected by its pointer's name.
function showFaults(faults) {
  at("editor-faults").replaceChildren(...faults.map((fault) => element("li", {}, element("code", { textContent: fault.pointer || "/" }), ` ${fault.detail}`)));
  at("editor-json").setAttribute("aria-invalid", String(faults.length > 0));
}

async function checkJson() {
  let parsed;
  try {
    parsed = JSON.parse(at("editor-json").value);
  } catch (error) {
    showFaults([{ pointer: "", detail: `not JSON: ${error.message}` }]);
    return null;
  }
  try {
    await ask("/score", { method: "POST", body: parsed });
    showFaults([]);
    return parsed;
  } catch (error) {
    showFaults(error.errors.length ? error.errors : [{ pointer: "", detail: error.message }]);
    return null;
  }
}

const sendJson = () => busy(async () => {
  const parsed = await checkJson();
  if (!parsed) return;
  const { body, roundTrip } = await send(parsed);
  at("test-result").replaceChildren(body.decision ? card(body, roundTrip) : late());
});

async function fillEditor() {
  const sample = await ask("/api/samples/normal");
  delete sample.transaction_id;
  at("editor-json").value = JSON.stringify(sample, null, 2);
  showFaults([]);
}

const late = () => message(`Accepted, but no decision yet. It will appear in the feed.`);

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
  ];
  if (scored.degraded.length) facts.push(["Decided without", scored.degraded.join(", ")]);
  const strongest = Math.max(...scored.reasons.map((reason) => reason.contribution), 1e-9);
  const reasons = scored.reasons.map((reason) => {
    const bar = element("span", {});
    bar.style.width = `${Math.max(4, (100 * reason.contribution) / strongest)}%`;
    return element("li", { title: `${reason.code}: ${reason.contribution > 0 ? "+" : ""}${reason.contribution} log-odds` }, reason.text, element("span", { className: "meter", "aria-hidden": "true" }, bar));
  });
  const score = element("span", { className: "score", textContent: scored.risk_score, title: "risk score, 0 to 99" });
  return element("div", { className: `result ${scored.decision}` },
    element("div", { className: "top" }, badge(scored.decision), score),
    element("dl", {}, ...facts.flatMap(([name, value]) => [element("dt", { textContent: name }), element("dd", { textContent: value })]), element("dt", { textContent: "Transaction" }), element("dd", {}, link(transactionPage(scored), scored.transaction_id))),
    reasons.length ? element("ul", { className: "reasons" }, ...reasons) : element("p", { className: "note", textContent: "Nothing raised the risk enough to be named." }),
  );
}

export function prepare() {
  for (const kind of ["normal", "fraud"]) at(`test-${kind}`).addEventListener("click", () => submit(kind));
  for (const button of document.querySelectorAll("[data-scenario]")) button.addEventListener("click", () => tell(button.dataset.scenario));
  at("editor").addEventListener("toggle", () => { if (at("editor").open && !at("editor-json").value) fillEditor().catch((error) => showFaults([{ pointer: "", detail: error.message }])); });
  let timer;
  at("editor-json").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(checkJson, 300); });
  at("editor-json").addEventListener("keydown", (event) => { if (event.key === "Enter" && event.ctrlKey) sendJson(); });
  at("editor-send").addEventListener("click", sendJson);
}
