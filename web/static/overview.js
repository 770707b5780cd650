// The overview page: asks for figures, follows the feed, and says what is wrong when something is.

import * as charts from "./charts.js";
import { distinct, Feed } from "./feed.js";
import { badge, count, element, euro, milliseconds, money, share, time } from "./format.js";
import { follow } from "./socket.js";
import { submit } from "./tester.js";

const STATS_MS = 2000;
const HEALTH_MS = 5000;
const SUMMARY_MS = 10_000;
const ALERTS = 10;
const PROMISE_MS = 50;
const GAUGE_MS = 60;

const at = (id) => document.getElementById(id);
const say = (id, text) => { if (at(id).textContent !== text) at(id).textContent = text; };

const feed = new Feed({ body: at("feed"), region: at("feed-scroll"), empty: at("feed-empty"), fresh: at("feed-new"), pause: at("feed-pause"), score: at("feed-score") });
let alerts = [];
let newAlerts = 0;
let stats = null;

function showStats(figures) {
  stats = figures;
  say("tile-rate", count(Math.round(figures.per_minute * 10) / 10));
  say("note-rate", `per minute · ${count(figures.transactions)} in all`);
  say("tile-block", share(figures.block_rate));
  say("note-block", `${count(figures.decisions.block)} payments`);
  say("tile-review", share(figures.review_rate));
  say("note-review", `${count(figures.decisions.review)} payments`);
  say("tile-amount", euro(figures.amount_eur.block));
  const latency = figures.latency_ms;
  for (const name of ["p50", "p95", "p99"]) say(`tile-${name}`, milliseconds(latency[name]));
  say("note-latency", latency.within_promise === null ? "promise: under 50 ms" : `${(latency.within_promise * 100).toFixed(2)} % within the promise of 50 ms`);
  at("gauge-fill").style.width = `${Math.min(100, (100 * (latency.p99 ?? 0)) / GAUGE_MS)}%`;
  at("gauge").toggleAttribute("data-over", (latency.p99 ?? 0) > PROMISE_MS);
  drawCharts();
}

function drawCharts() {
  if (!stats || document.hidden || typeof Plotly === "undefined") return;
  const told = `${count(stats.transactions)} decisions: ${stats.decisions.approve} approved, ${stats.decisions.review} to review, ${stats.decisions.block} blocked`;
  charts.course(at("course"), stats.series, `Decisions over time. ${told}`);
  charts.risk(at("risk"), stats.scores, stats.thresholds, at("risk-log").checked, `Risk scores. ${told}`);
  fill(at("course-data"), ["Time", "Approved", "Review", "Blocked"], stats.series.map((one) => [time(one.at), one.approve, one.review, one.block]));
  fill(at("risk-data"), ["Score from", "Approved", "Review", "Blocked"], stats.scores.map((one) => [one.start, one.approve, one.review, one.block]));
}

function fill(table, head, rows) {
  if (!table.closest("details").open) return;
  const cells = (tag, values) => element("tr", {}, ...values.map((value) => element(tag, { textContent: value })));
  table.replaceChildren(element("thead", {}, cells("th", head)), element("tbody", {}, ...rows.map((row) => cells("td", row))));
}

function showAlerts() {
  at("alerts-empty").hidden = alerts.length > 0;
  at("alerts").replaceChildren(...alerts.map((one) => element("li", {},
    element("div", { className: "top" }, badge(one.decision), element("strong", { textContent: money(one.amount, one.currency) }), element("span", { className: "note", textContent: time(one.scored_at), title: one.scored_at })),
    element("p", { className: "why", textContent: one.reasons.length ? one.reasons.slice(0, 2).map((reason) => reason.text).join("; ") : "no single reason stands out" }),
    element("p", { className: "why", textContent: `${one.user_id} · score ${one.risk_score} · decided in ${milliseconds(one.latency_ms.total)}` }),
  )));
}

function addAlerts(fresh) {
  alerts = distinct([...fresh, ...alerts]).slice(0, ALERTS);
  showAlerts();
}

async function load(address) {
  const answer = await fetch(address);
  const body = await answer.json();
  if (!answer.ok && !body.checks) throw new Error(`${body.title}: ${body.detail}`);
  return body;
}

const problems = new Map();
function problem(source, text) {
  if (text) problems.set(source, text); else problems.delete(source);
  at("degraded").hidden = problems.size === 0;
  say("degraded", [...problems.values()].join(" · "));
}

async function askStats() {
  if (!document.hidden) {
    try {
      showStats(await load(`/api/transactions/stats?window=${at("window").value}`));
      problem("stats", null);
    } catch (error) {
      problem("stats", `Figures are not up to date (${error.message})`);
    }
  }
  setTimeout(askStats, STATS_MS);
}

async function askHealth() {
  try {
    const health = await load("/api/health");
    at("health").dataset.state = health.status;
    say("health-text", { ok: "All systems work", degraded: "Degraded", down: "Down" }[health.status]);
    const wrong = Object.entries(health.checks).filter(([, check]) => check.status !== "ok");
    problem("health", wrong.map(([name, check]) => `${name}: ${check.detail ?? check.status}`).join(" · "));
  } catch {
    at("health").dataset.state = "down";
    say("health-text", "No answer");
    problem("health", "The server does not answer. What you see is old.");
  }
  setTimeout(askHealth, HEALTH_MS);
}

follow({
  onItems(items) {
    const scored = items.map((item) => item.data);
    feed.add(scored);
    const fresh = scored.filter((one) => one.decision !== "approve").reverse();
    newAlerts += fresh.length;
    if (fresh.length) addAlerts(fresh.slice(0, ALERTS));
  },
  onGap(dropped) {
    problem("gap", `${dropped ?? "Some"} transactions were skipped in the feed; the list has them all`);
    setTimeout(() => problem("gap", null), 8000);
  },
  onState(state, wait) {
    at("connection").dataset.state = state;
    say("connection-text", state === "ok" ? "Live" : `Live feed lost, trying again in ${wait} s`);
  },
});

for (const kind of ["normal", "fraud"]) {
  at(`test-${kind}`).addEventListener("click", () => submit(kind, at("test-result"), [at("test-normal"), at("test-fraud")]));
}
at("window").addEventListener("change", async () => showStats(await load(`/api/transactions/stats?window=${at("window").value}`)));
at("risk-log").addEventListener("change", drawCharts);
for (const details of document.querySelectorAll("details")) details.addEventListener("toggle", drawCharts);
document.addEventListener("visibilitychange", drawCharts);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawCharts);
setInterval(() => {
  if (newAlerts) say("summary", `${newAlerts} new alerts`);
  newAlerts = 0;
}, SUMMARY_MS);

askStats();
askHealth();
for (const [address, take] of [
  ["/api/transactions?limit=60", (page) => { feed.add(page.items.reverse()); feed.show(); }],
  [`/api/transactions/alerts?limit=${ALERTS}`, (page) => addAlerts(page.items)],
]) {
  load(address).then(take).catch((error) => problem("history", `History is not available (${error.message})`));
}
