// The models page: what decides, how the challenger does, how far traffic has moved, and all versions.

import { ask, every } from "./api.js";
import * as charts from "./charts.js";
import { at, element, say, signed } from "./dom.js";
import { count, euro, share, time } from "./format.js";
import { problem } from "./notices.js";

const EVERY_MS = 15_000;
const WATCH = 0.1;
const ACT = 0.2;
const NO_CHALLENGER = "There is no challenger. fraud model promote VERSION --alias challenger lets one score beside the champion.";

const number = (text, title) => element("td", { className: "number", textContent: text, title: title ?? "" });
const rounded = (value, digits) => (value === null || value === undefined ? "–" : value.toFixed(digits));
let shadow = null;

function showInUse(report) {
  const [, version, digest] = report.in_use?.match(/^[^:]+:([^@]+)@?(.*)$/) ?? [];
  say("in-use", version ?? "No model");
  say("in-use-note", report.error ?? (version ? `${report.name}, digest ${digest}` : "everything goes to review"));
  problem("version", report.error ? `A version was refused: ${report.error}` : null);
}

function showShadow() {
  say("same", shadow ? share(shadow.same) : "–");
  say("same-note", shadow ? `of ${count(shadow.transactions)} transactions in 24 hours, ${shadow.model}` : "no challenger");
  say("stricter", shadow ? count(shadow.stricter) : "–");
  say("laxer", shadow ? count(shadow.laxer) : "–");
  say("shift", shadow ? `${shadow.shift >= 0 ? "+" : "−"}${Math.abs(shadow.shift).toFixed(4)}` : "–");
  const drawn = Boolean(shadow?.champion);
  at("curves").hidden = !drawn;
  at("curves-empty").hidden = drawn;
  at("curves-data").closest("details").hidden = !drawn;
  if (!drawn) {
    say("curves-empty", shadow ? "No fraud among what both scored is labelled yet." : NO_CHALLENGER);
    return;
  }
  const both = [["champion", shadow.champion], ["challenger", shadow.challenger]];
  charts.curves(at("curves"), both, `Precision against recall; average precision ${both.map(([name, one]) => `${name} ${one.average_precision.toFixed(3)}`).join(", ")}`);
  at("curves-data").replaceChildren(
    element("thead", {}, element("tr", {}, ...["Model", "Recall", "Precision"].map((text) => element("th", { textContent: text, scope: "col" })))),
    element("tbody", {}, ...both.flatMap(([name, one]) => one.recall.map((recall, place) => element("tr", {}, element("td", { textContent: name }), number(recall.toFixed(3)), number(one.precision[place].toFixed(3)))))),
  );
}

function showVersions(report) {
  const names = (version) => Object.entries(report.aliases).filter(([, of]) => of === version).map(([alias]) => alias).join(", ");
  at("versions-empty").hidden = report.versions.length > 0;
  if (!report.versions.length) say("versions-empty", "No model is in the registry. scripts/train_model.py makes one.");
  at("versions").replaceChildren(...report.versions.map((one) => {
    const start = [element("td", { textContent: one.version }), element("td", { textContent: names(one.version) || "–" })];
    if (one.error) return element("tr", {}, ...start, element("td", { colSpan: 8, className: "slow", textContent: `cannot be used: ${one.error}` }));
    const figures = one.metrics ?? {};
    return element("tr", {}, ...start, element("td", {}, element("code", { textContent: one.digest })),
      number(rounded(figures.pr_auc, 3)), number(share(figures.recall_flagged ?? null)), number(figures.insult_rate === undefined ? "–" : `${(figures.insult_rate * 100).toFixed(3)}%`, figures.insult_rate),
      number(rounded(figures.expected_calibration_error, 4)), number(figures.cost_eur === undefined ? "–" : euro(figures.cost_eur), figures.cost_eur),
      number(rounded(one.cutoffs.review, 4)), number(rounded(one.cutoffs.block, 4)));
  }));
}

function state(psi) {
  return signed(...(psi >= ACT ? ["block", "■", "Look"] : psi >= WATCH ? ["review", "▲", "Watch"] : ["approve", "●", "Steady"]));
}

function showDrift(report) {
  at("drift-empty").hidden = report.features.length > 0;
  say("drift-note", report.measured_at ? `${count(report.transactions)} decisions, measured ${time(report.measured_at)}` : "");
  if (!report.features.length) say("drift-empty", "Nothing to compare yet: it takes 500 decisions of this model within a day, and bins that came with it.");
  at("drift").replaceChildren(...report.features.map((one) => element("tr", {},
    element("td", { textContent: one.feature.replaceAll("_", " ") }), element("td", {}, state(one.psi)), number(one.psi.toFixed(3), one.psi),
    number(share(one.missing)), number(share(one.reference_missing)))));
}

async function refresh() {
  try {
    const [report, drift] = await Promise.all([ask("/api/models"), ask("/api/models/drift")]);
    shadow = report.shadow;
    showInUse(report);
    showShadow();
    showVersions(report);
    showDrift(drift);
    problem("models", null);
  } catch (error) {
    problem("models", `Not up to date (${error.told ?? error.message})`);
  }
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showShadow);
every(EVERY_MS, refresh);
