// The overview page: is it live, is fraud up, what needs somebody, is it fast; then what, when, where and why.

import { ask, every } from "./api.js";
import * as charts from "./charts.js";
import { connect } from "./connection.js";
import { at, badge, dataOf, element, keyOf, link, say, to, transactionPage, wordOf } from "./dom.js";
import { Feed, newestFirst } from "./feed.js";
import { count, country, euro, expectedLoss, figure, milliseconds, money, share, since, span, time } from "./format.js";
import { heatmap } from "./heatmap.js";
import { problem } from "./notices.js";
import { change, parameters } from "./params.js";
import * as tester from "./tester.js";

const STATS_MS = 2000;
const CHARTS_MS = 6000;
const SLOW_MS = 10_000;
const SUMMARY_MS = 10_000;
const ALERTS = 10;
const SHOWN = 60;
const URGENT = 5;
const PROMISE_MS = 50;
const GAUGE_MS = 60;

const feed = new Feed({ body: at("feed"), region: at("feed-scroll"), empty: at("feed-empty"), fresh: at("feed-new"), pause: at("feed-pause"), shown: SHOWN });
let alerts = [];
let newAlerts = 0;
let stats = null;
let breakdowns = null;
let newest = null;
let drawnAt = -Infinity;
let drawnFor = null;

const windowNow = () => parameters().get("window") ?? "15m";
const drill = (filters) => { location.href = to("/live", filters); };
const within = (moment) => ({ from: moment.at, to: new Date(new Date(moment.at).getTime() + stats.step_s * 1000).toISOString() });

// How a figure moved against the window before this one, in words.
function moved(id, now, before, shown, unit) {
  if (before === null || now === null || before === undefined) { say(id, unit); return; }
  const way = now > before * 1.02 ? "▲" : now < before * 0.98 ? "▼" : "=";
  say(id, `${unit} · ${way} ${way === "=" ? "as before" : `from ${shown(before)}`}`);
}

function showStats(figures) {
  stats = figures;
  const { before, series } = figures;
  say("tile-rate", figure(figures.per_minute));
  moved("note-rate", figures.per_minute, before.transactions ? before.per_minute : null, figure, `per minute, ${count(figures.transactions)} in all`);
  say("tile-block", share(figures.block_rate));
  moved("note-block", figures.block_rate, before.block_rate, share, `${count(figures.decisions.block)} payments`);
  say("tile-review", share(figures.review_rate));
  moved("note-review", figures.review_rate, before.review_rate, share, `${count(figures.decisions.review)} payments`);
  say("tile-amount", euro(figures.amount_eur.block));
  moved("note-amount", figures.amount_eur.block, before.transactions ? before.blocked_eur : null, euro, "value of blocked payments");
  const total = (one) => one.approve + one.review + one.block;
  charts.spark(at("spark-rate"), series.map(total));
  charts.spark(at("spark-block"), series.map((one) => one.block));
  charts.spark(at("spark-review"), series.map((one) => one.review));
  charts.spark(at("spark-amount"), series.map((one) => one.blocked_eur));
  const latency = figures.latency_ms;
  for (const name of ["p50", "p95", "p99"]) say(`tile-${name}`, milliseconds(latency[name]));
  say("note-latency", latency.within_promise === null ? "promise: under 50 ms" : `${(latency.within_promise * 100).toFixed(2)} % within the promise of 50 ms`);
  at("gauge-fill").style.width = `${Math.min(100, (100 * (latency.p99 ?? 0)) / GAUGE_MS)}%`;
  at("gauge").toggleAttribute("data-over", (latency.p99 ?? 0) > PROMISE_MS);
  if (performance.now() - drawnAt < CHARTS_MS && figures.window === drawnFor) return;
  drawnAt = performance.now();
  drawnFor = figures.window;
  drawCharts();
  fillData();
}

function drawRisk() {
  charts.risk(at("risk"), stats.scores, stats.thresholds, at("risk-log").checked, `Risk scores: ${told()}`, (bin, decision) => drill({ min_score: bin.start, max_score: bin.start + 4, decision }));
}

const told = () => `${count(stats.transactions)} decisions, ${count(stats.decisions.approve)} approved, ${count(stats.decisions.review)} to review, ${count(stats.decisions.block)} blocked`;

function drawCharts() {
  charts.course(at("course"), stats.series, `Decisions over time: ${told()}`, (one, decision) => drill({ ...within(one), decision }));
  drawRisk();
  charts.latency(at("latency"), stats.series, `Time to decide: p50 ${milliseconds(stats.latency_ms.p50)}, p99 ${milliseconds(stats.latency_ms.p99)}`);
  charts.money(at("stake"), stats.series, `Amount at risk: ${euro(stats.amount_eur.review)} sent to review, ${euro(stats.amount_eur.block)} blocked`, (one, decision) => drill({ ...within(one), decision }));
}

function fillData() {
  if (!stats) return;
  const live = (one, text) => link(to("/live", within(one)), text);
  dataOf(at("course-data"), ["Time", "Approved", "Review", "Blocked"], () => stats.series.map((one) => [live(one, time(one.at)), one.approve, one.review, one.block]));
  dataOf(at("risk-data"), ["Score from", "Approved", "Review", "Blocked"], () => stats.scores.map((one) => [link(to("/live", { min_score: one.start, max_score: one.start + 4 }), String(one.start)), one.approve, one.review, one.block]));
  dataOf(at("latency-data"), ["Time", "p50 ms", "p95 ms", "p99 ms"], () => stats.series.map((one) => [live(one, time(one.at)), ...[one.p50, one.p95, one.p99].map((ms) => (ms === null ? "–" : ms.toFixed(1)))]));
  dataOf(at("stake-data"), ["Time", "Review €", "Blocked €"], () => stats.series.map((one) => [live(one, time(one.at)), one.reviewed_eur, one.blocked_eur]));
  for (const [id, rows, filter] of breakdowns ? parts() : []) {
    dataOf(at(`${id}-data`), [filter === "country" ? "Country" : "Reason", "Approved", "Review", "Blocked", "Flagged €"], () => rows.map((one) => [link(to("/live", { [filter]: one.value }), one.label), one.approve, one.review, one.block, Math.round(one.flagged_eur)]));
  }
}

const parts = () => [
  ["countries", breakdowns.countries.map((one) => ({ ...one, label: country(one.value) })), "country", "Flagged payments by country"],
  ["reasons", breakdowns.reasons.map((one) => ({ ...one, label: one.name })), "reason", "Most frequent reasons of flagged payments"],
];

function drawBreakdowns() {
  for (const [id, rows, filter, title] of parts()) {
    const flagged = rows.filter((one) => one.review + one.block > 0);
    at(id).hidden = !flagged.length;
    at(`${id}-empty`).hidden = flagged.length > 0;
    if (flagged.length) charts.parts(at(id), flagged, `${title}: ${flagged.slice(0, 3).map((one) => `${one.label} ${one.review + one.block}`).join(", ")}`, (one, decision) => drill({ [filter]: one.value, decision }));
  }
}

function showAlerts() {
  at("alerts-empty").hidden = alerts.length > 0;
  at("alerts").replaceChildren(...alerts.map((one) => element("li", { "data-row": "" },
    link(transactionPage(one), `${money(one.amount, one.currency)}`, { className: "strong", title: `${wordOf(one.decision)}, score ${one.risk_score}` }), " ", badge(one.decision), " ",
    element("span", { className: "note", textContent: time(one.scored_at), title: one.scored_at }),
    element("p", { className: "why", textContent: one.reasons.length ? one.reasons.slice(0, 2).map((reason) => reason.text).join("; ") : "no single reason stands out" }),
    element("p", { className: "why", textContent: `${one.user_id} · score ${one.risk_score} · decided in ${milliseconds(one.latency_ms.total)}` }),
  )));
}

function addAlerts(fresh) {
  const known = new Set();
  alerts = newestFirst([...fresh, ...alerts].filter((one) => !known.has(keyOf(one)) && known.add(keyOf(one)))).slice(0, ALERTS);
  showAlerts();
}

function showQueue(queue) {
  say("open-reviews", count(queue.open));
  say("open-oldest", queue.oldest_at ? `oldest waits ${span(since(queue.oldest_at))}` : "nothing waits");
  at("urgent-empty").hidden = queue.items.length > 0;
  at("urgent").replaceChildren(...queue.items.map((item) => element("li", {},
    link(to("/review", { tx: item.transaction.transaction_id, customer: item.transaction.user_id }), money(item.transaction.amount, item.transaction.currency), { className: "strong" }), " ",
    element("span", { className: "note", textContent: `score ${item.transaction.risk_score} · ${expectedLoss(item.expected_loss_eur)} · waits ${span(since(item.entered_at))}${item.taken_by ? ` · ${item.taken_by}` : ""}` }))));
}

const asking = (source, what, task) => async () => {
  try {
    await task();
    problem(source, null);
  } catch (error) {
    problem(source, `${what} (${error.told ?? error.message})`);
  }
};

const askStats = every(STATS_MS, asking("stats", "Figures are not up to date", async () => showStats(await ask(`/api/transactions/stats?window=${windowNow()}`))));
const askSlow = every(SLOW_MS, asking("breakdowns", "Countries and reasons are not up to date", async () => {
  [breakdowns] = await Promise.all([ask(`/api/transactions/breakdowns?window=${windowNow()}`), ask(`/api/reviews?limit=${URGENT}`).then(showQueue)]);
  drawBreakdowns();
  heatmap(at("heat"), breakdowns.hours);
  fillData();
}));

const readList = () => Promise.all([
  ask(`/api/transactions?limit=${SHOWN}`).then((page) => { feed.add(page.items); feed.show(); newest ??= page.items[0]?.scored_at ?? null; }),
  ask(`/api/transactions/alerts?limit=${ALERTS}`).then((page) => addAlerts(page.items)),
]).then(() => problem("history", null)).catch((error) => problem("history", `History is not available (${error.told ?? error.message})`));

connect({
  onItems(decisions) {
    feed.add(decisions);
    newest = decisions.at(-1).scored_at;
    const fresh = decisions.filter((one) => one.decision !== "approve").reverse();
    newAlerts += fresh.length;
    if (fresh.length) addAlerts(fresh.slice(0, ALERTS));
  },
  onGap: readList,
});

const select = at("window");
select.value = windowNow();
select.addEventListener("change", () => { change({ window: select.value === "15m" ? null : select.value }); askStats(); askSlow(); });
addEventListener("popstate", () => { select.value = windowNow(); askStats(); askSlow(); });
at("risk-log").addEventListener("change", () => { if (stats) drawRisk(); });
for (const details of document.querySelectorAll("details")) details.addEventListener("toggle", fillData);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  if (stats) drawCharts();
  if (breakdowns) drawBreakdowns();
});
setInterval(() => {
  say("age", newest ? `last decision ${span(Math.max(0, since(newest)))} ago` : "no decision yet");
}, 1000);
setInterval(() => {
  if (newAlerts) say("summary", `${newAlerts} new alerts`);
  newAlerts = 0;
}, SUMMARY_MS);

tester.prepare();
readList();
