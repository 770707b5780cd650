// The review page: the queue on the left, the case on the right. An item that is open here is taken, so nobody else decides it.

import { ask, every } from "./api.js";
import { show, standing } from "./case.js";
import { choose } from "./choice.js";
import { at, badge, element, keyOf, link, say, to, transactionApi } from "./dom.js";
import { count, expectedLoss, money, share, since, span } from "./format.js";
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
let reading = null;

// The open item, or null. A link may name the id only; the customer is added as soon as it is known.
const chosen = () => {
  const given = parameters();
  return given.get("tx") ? { transaction_id: given.get("tx"), user_id: given.get("customer") } : null;
};
const isChosen = (one) => Boolean(chosen()) && keyOf(one) === keyOf(chosen());
const namesOf = (one) => ({ tx: one?.transaction_id ?? null, customer: one?.user_id ?? null });
const address = (one) => to("/review", { ...Object.fromEntries(parameters()), ...namesOf(one) });

function line(item) {
  const one = item.transaction;
  const waits = since(item.entered_at);
  const made = element("li", { "data-row": "" },
    link(address(one), "", { onclick: (event) => { if (event.ctrlKey || event.metaKey) return; event.preventDefault(); open(one); } }));
  made.firstChild.append(
    element("span", { className: "top" }, element("strong", { textContent: money(one.amount, one.currency) }), badge(one.decision)),
    element("span", { className: "note", textContent: `score ${one.risk_score} · ${expectedLoss(item.expected_loss_eur)} · ${one.country ?? "no country"}` }),
    element("span", { className: "note" }, `${one.user_id} · `, element("span", { className: waits > LATE_S ? "slow" : "", textContent: `waits ${span(waits)}` }), item.taken_by && item.taken_by !== me ? ` · ${item.taken_by} is on it` : ""));
  if (isChosen(one)) made.firstChild.setAttribute("aria-current", "true");
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
  const mine = (reading = Symbol("queue")); // a slower answer to an earlier question must not win
  try {
    const queue = await ask(to("/api/reviews", wanted));
    if (reading !== mine) return;
    showQueue(queue);
    problem("queue", null);
  } catch (error) {
    if (reading !== mine) return;
    problem("queue", `The queue is not up to date (${error.told ?? error.message})`);
    if (!items.length) say("queue-empty", "The queue could not be read.");
  }
}

async function giveBack() {
  if (!taken) return;
  const one = taken;
  taken = null;
  await ask(transactionApi(one, "/claim"), { method: "DELETE", keepalive: true }).catch(() => {});
}

const bar = barIn("verdict", {
  async given({ one }) {
    taken = null;
    countQueue();
    const place = items.findIndex((item) => keyOf(item.transaction) === keyOf(one));
    const rest = items.filter((item) => keyOf(item.transaction) !== keyOf(one) && (!item.taken_by || item.taken_by === me));
    await readQueue({ force: true });
    const following = rest[Math.min(Math.max(place, 0), rest.length - 1)];
    if (following) await open(following.transaction, { replace: true });
    else { change(namesOf(null), { replace: true }); await showChosen(); }
  },
  async undone({ one }) {
    await readQueue({ force: true });
    await open(one);
    countQueue();
  },
});

async function take(one) {
  try {
    await ask(transactionApi(one, "/claim"), { method: "PUT" });
    taken = one;
    return null;
  } catch (error) {
    return error.code === "taken" ? `${error.message}; look at another one.` : error.code === "not_open" ? null : error.message;
  }
}

function markChosen() {
  const current = chosen() && address(chosen());
  for (const one of at("queue").querySelectorAll("a")) {
    if (one.getAttribute("href") === current) one.setAttribute("aria-current", "true"); else one.removeAttribute("aria-current");
  }
}

async function showChosen() {
  const one = chosen();
  markChosen();
  if (taken && !isChosen(taken)) await giveBack();
  at("case-none").hidden = Boolean(one);
  if (!one) {
    at("case").replaceChildren();
    bar.close();
    return;
  }
  const mine = (opening = Symbol(keyOf(one)));
  try {
    const blocked = await take(one);
    const found = await ask(transactionApi(one, "/case"));
    if (opening !== mine) return;
    if (!one.user_id) {
      one.user_id = found.transaction.user_id;
      change(namesOf(one), { replace: true });
      markChosen();
    }
    show(at("case"), found);
    bar.open(one, { supersedes: standing(found), blocked });
    problem("case", null);
  } catch (error) {
    if (opening !== mine) return;
    if (error.code === "ambiguous_id") await choose(at("case"), one.transaction_id, address);
    else at("case").replaceChildren(element("p", { className: "empty", textContent: error.status === 404 ? error.message : `The case could not be read: ${error.told ?? error.message}` }));
    bar.close();
  }
}

async function open(one, { replace = false } = {}) {
  change(namesOf(one), { replace });
  await showChosen();
  at("case-region").scrollTop = 0;
}

at("queue-region").addEventListener("pointerenter", () => { pointed = true; });
at("queue-region").addEventListener("pointerleave", () => { pointed = false; });
at("queue-clear").addEventListener("click", () => clear(FILTERS));
on("Escape", "close the case", () => { change(namesOf(null)); showChosen(); });
bind(at("queue-filters"), () => { readQueue({ force: true }); showChosen(); });
addEventListener("pagehide", () => { giveBack(); });
setInterval(() => { if (taken && !document.hidden) take(taken); }, KEEP_MS);
every(QUEUE_MS, readQueue);
showChosen();
