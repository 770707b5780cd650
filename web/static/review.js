// The review page: the queue on the left, the case on the right. An item that is open here is taken, so nobody else decides it.

import { ask, every } from "./api.js";
import { show, standing } from "./case.js";
import { at, badge, element, link, say, to } from "./dom.js";
import { count, euro, money, share, since, span } from "./format.js";
import { on } from "./keys.js";
import { problem } from "./notices.js";
import { bind, change, clear, parameters } from "./params.js";
import { countQueue } from "./shell.js";
import { barIn } from "./verdict.js";

const QUEUE_MS = 5000;
const KEEP_MS = 120_000;
const LATE_S = 3600;
const FILTERS = ["sort", "min_score", "country", "user_id"];

const NOBODY = "local"; // what the API calls who did not say a name

let items = [];
let me = NOBODY;
let taken = null;
let pointed = false;
let opening = null;

const claim = (id) => `/api/transactions/${encodeURIComponent(id)}/claim`;
const chosen = () => parameters().get("tx");
const address = (id) => {
  const wanted = parameters();
  wanted.set("tx", id);
  return to("/review", Object.fromEntries(wanted));
};

function line(item) {
  const one = item.transaction;
  const waits = since(item.entered_at);
  const made = element("li", { "data-row": "" },
    link(address(one.transaction_id), "", { onclick: (event) => { if (event.ctrlKey || event.metaKey) return; event.preventDefault(); open(one.transaction_id); } }));
  made.firstChild.append(
    element("span", { className: "top" }, element("strong", { textContent: money(one.amount, one.currency) }), badge(one.decision)),
    element("span", { className: "note", textContent: `score ${one.risk_score} · ${euro(item.expected_loss_eur)} at stake · ${one.country ?? "no country"}` }),
    element("span", { className: "note" }, `${one.user_id} · `, element("span", { className: waits > LATE_S ? "slow" : "", textContent: `waits ${span(waits)}` }), item.taken_by && item.taken_by !== me ? ` · ${item.taken_by} is on it` : ""));
  if (one.transaction_id === chosen()) made.firstChild.setAttribute("aria-current", "true");
  return made;
}

function showQueue(queue) {
  items = queue.items;
  me = queue.analyst;
  say("who", me === NOBODY ? "Say who you are with the button above: verdicts are kept with a name." : `You decide as ${me}.`);
  say("q-open", count(queue.open));
  say("q-oldest", queue.oldest_at ? span(since(queue.oldest_at)) : "–");
  say("q-hour", count(queue.verdicts_hour));
  say("q-approved", share(queue.approved_share));
  const filtered = FILTERS.slice(1).some((name) => parameters().get(name));
  at("queue-empty").hidden = items.length > 0;
  say("queue-empty", filtered ? "Nothing that waits matches these filters." : queue.open ? "Nothing that you did not skip waits. What you skipped comes back after an hour." : "Nothing waits for a review. Well done.");
  at("queue-clear").hidden = !filtered;
  const focused = document.activeElement.closest?.("[data-row]") ? document.activeElement.getAttribute("href") : null;
  at("queue").replaceChildren(...items.map(line));
  if (focused) [...at("queue").querySelectorAll("a")].find((one) => one.getAttribute("href") === focused)?.focus({ preventScroll: true });
}

async function readQueue({ force = false } = {}) {
  if (pointed && !force && items.length) return;
  const wanted = Object.fromEntries(FILTERS.map((name) => [name, parameters().get(name)]));
  try {
    showQueue(await ask(to("/api/reviews", wanted)));
    problem("queue", null);
  } catch (error) {
    problem("queue", `The queue is not up to date (${error.told ?? error.message})`);
    if (!items.length) say("queue-empty", "The queue could not be read.");
  }
}

async function giveBack() {
  if (!taken) return;
  const id = taken;
  taken = null;
  await ask(claim(id), { method: "DELETE", keepalive: true }).catch(() => {});
}

const bar = barIn("verdict", {
  async given({ id }) {
    taken = null;
    countQueue();
    const place = items.findIndex((item) => item.transaction.transaction_id === id);
    const rest = items.filter((item) => item.transaction.transaction_id !== id && (!item.taken_by || item.taken_by === me));
    await readQueue({ force: true });
    const following = rest[Math.min(Math.max(place, 0), rest.length - 1)];
    if (following) await open(following.transaction.transaction_id, { replace: true });
    else { change({ tx: null }, { replace: true }); await showChosen(); }
  },
  async undone({ id }) {
    await readQueue({ force: true });
    await open(id);
    countQueue();
  },
});

async function take(id) {
  try {
    await ask(claim(id), { method: "PUT" });
    taken = id;
    return null;
  } catch (error) {
    return error.code === "taken" ? `${error.message}; look at another one.` : error.code === "not_open" ? null : error.message;
  }
}

async function showChosen() {
  const id = chosen();
  for (const one of at("queue").querySelectorAll("a")) {
    if (one.getAttribute("href") === (id && address(id))) one.setAttribute("aria-current", "true"); else one.removeAttribute("aria-current");
  }
  if (taken && taken !== id) await giveBack();
  at("case-none").hidden = Boolean(id);
  if (!id) {
    at("case").replaceChildren();
    bar.close();
    return;
  }
  const mine = (opening = Symbol(id));
  try {
    const blocked = await take(id);
    const found = await ask(`/api/transactions/${encodeURIComponent(id)}/case`);
    if (opening !== mine) return;
    show(at("case"), found);
    bar.open(id, { supersedes: standing(found), blocked });
    problem("case", null);
  } catch (error) {
    if (opening !== mine) return;
    at("case").replaceChildren(element("p", { className: "empty", textContent: error.status === 404 ? error.message : `The case could not be read: ${error.told ?? error.message}` }));
    bar.close();
  }
}

async function open(id, { replace = false } = {}) {
  change({ tx: id }, { replace });
  await showChosen();
  at("case-region").scrollTop = 0;
}

at("queue-region").addEventListener("pointerenter", () => { pointed = true; });
at("queue-region").addEventListener("pointerleave", () => { pointed = false; });
at("queue-clear").addEventListener("click", () => clear(FILTERS));
on("Escape", "close the case", () => { change({ tx: null }); showChosen(); });
bind(at("queue-filters"), () => { readQueue({ force: true }); showChosen(); });
addEventListener("pagehide", () => { giveBack(); });
setInterval(() => { if (taken && !document.hidden) take(taken); }, KEEP_MS);
every(QUEUE_MS, readQueue);
showChosen();
