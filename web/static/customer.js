// One customer: what they do now against their usual, what they use, and their payments over time.

import { ask, every } from "./api.js";
import * as charts from "./charts.js";
import { at, dataOf, element, fill, link, say, to, transactionPage } from "./dom.js";
import { row } from "./feed.js";
import { count, country, figure, moment, money, since, span } from "./format.js";
import { problem } from "./notices.js";

const EVERY_MS = 10_000;
const PAYMENTS = 200;
const LISTED = 25;
const USED = { devices: "Devices", countries: "Countries", addresses: "Addresses", cards: "Cards", merchants: "Merchants" };
const WINDOWS = { "10m": "10 minutes", "1h": "1 hour", "24h": "24 hours", "7d": "7 days" };
const id = decodeURIComponent(location.pathname.split("/")[2]);
let payments = [];
let found = null;

// How many times the usual, told only where there is something to compare with.
function against(now, usual) {
  if (!usual || !now) return "–";
  const times = now / usual;
  return element("span", { className: times >= 3 ? "slow" : "", textContent: `${figure(times)} ×` });
}

function showCustomer() {
  const behaviour = found.behaviour;
  say("c-payments", count(Math.max(found.payments, behaviour?.payments ?? 0)));
  say("c-since", found.first_at ? `since ${moment(found.first_at)}` : "none stored yet");
  say("c-flagged", `${count(found.decisions.review + found.decisions.block)}`);
  say("c-flagged-note", `${count(found.decisions.review)} to review, ${count(found.decisions.block)} blocked`);
  say("c-fraud", count(found.fraud));
  say("c-largest", behaviour?.largest_eur ? money(behaviour.largest_eur, "EUR") : "–");
  say("c-last", found.last_at ? span(since(found.last_at)) : "–");
  say("usual-note", behaviour ? "The usual is their own average of the last seven days." : found.behaviour_away ? "Redis is away, and another worker has this customer's row." : "No worker knows a payment of this customer.");
  at("usual").hidden = !behaviour;
  at("habits-panel").hidden = !behaviour;
  if (behaviour) {
    fill(at("usual"), ["Window", "Payments", "Usual", "Times", "Spent", "Usual", "Times"], behaviour.windows.map((one) => [
      WINDOWS[one.window], one.payments, figure(one.usual_payments), against(one.payments, one.usual_payments), money(one.amount_eur, "EUR"), money(one.usual_amount_eur, "EUR"), against(one.amount_eur, one.usual_amount_eur),
    ]));
    charts.hours(at("habits"), behaviour.hours, `Payments by hour of the day, ${count(behaviour.payments)} in all`);
    dataOf(at("habits-data"), ["Hour, UTC", "Payments"], () => behaviour.hours.map((number, hour) => [`${hour}:00`, number]));
  }
  at("used").replaceChildren(...Object.entries(USED).filter(([name]) => found.used[name].length).map(([name, title]) => {
    const table = element("table", {}, element("caption", { textContent: title }));
    fill(table, ["Which", "Payments", "Flagged", "First", "Last"], found.used[name].map((one) => [
      link(to("/live", { q: name === "countries" || name === "merchants" ? null : one.value, user_id: name === "countries" || name === "merchants" ? id : null, country: name === "countries" ? one.value : null }), name === "countries" ? country(one.value) : one.value),
      one.payments, one.flagged, element("span", { textContent: `${span(since(one.first_at))} ago`, title: one.first_at }), element("span", { textContent: `${span(since(one.last_at))} ago`, title: one.last_at }),
    ]));
    return element("div", { className: "scroll" }, table);
  }));
}

function showPayments() {
  at("over-time-empty").hidden = payments.length > 0;
  at("over-time").hidden = !payments.length;
  const comparable = new Set(payments.map((one) => one.currency)).size === 1;
  const largest = comparable ? `, the largest ${money(Math.max(...payments.map((one) => Number(one.amount))), payments[0].currency)}` : "";
  if (payments.length) charts.payments(at("over-time"), payments, `${count(payments.length)} payments${largest}`, (one) => { location.href = transactionPage(one); });
  at("latest").replaceChildren(...payments.slice(0, LISTED).map(row));
  at("all").href = to("/live", { user_id: id });
}

async function read() {
  try {
    const [customer, page] = await Promise.all([ask(`/api/users/${encodeURIComponent(id)}`), ask(to("/api/transactions", { user_id: id, limit: PAYMENTS }))]);
    found = customer;
    payments = page.items;
    at("known").hidden = false;
    at("unknown").hidden = true;
    showCustomer();
    showPayments();
    problem("customer", null);
  } catch (error) {
    if (![404, 422].includes(error.status)) { problem("customer", `Not up to date (${error.told ?? error.message})`); return; }
    at("known").hidden = true;
    at("unknown").hidden = false;
    say("unknown", `No payment of a customer ${id} is known.`);
  }
}

for (const details of document.querySelectorAll("details")) details.addEventListener("toggle", () => found && showCustomer());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (found) { showCustomer(); showPayments(); } });
every(EVERY_MS, read);
