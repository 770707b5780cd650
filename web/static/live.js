// The live page: every decision as it is made; with a time range or a search, those of the past, page by page.

import { ask } from "./api.js";
import { connect } from "./connection.js";
import { at, say } from "./dom.js";
import { Feed } from "./feed.js";
import { count, country, moment } from "./format.js";
import { problem } from "./notices.js";
import { bind, clear, parameters } from "./params.js";

const PAGE = 200;
const FILTERS = ["decision", "min_score", "max_score", "country", "reason", "user_id", "q", "from", "to"];

let filters = {};
let next = null;
let reading = null;

// What of the past cannot be told by looking at a decision: then the page is a list and not live.
const past = () => Boolean(filters.from || filters.to);

const matches = (one) => !past()
  && (!filters.decision || one.decision === filters.decision)
  && one.risk_score >= Number(filters.min_score ?? 0) && one.risk_score <= Number(filters.max_score ?? 99)
  && (!filters.country || (one.country ?? "unknown") === filters.country)
  && (!filters.user_id || one.user_id === filters.user_id)
  && (!filters.reason || one.reasons.some((reason) => reason.code === filters.reason))
  && (!filters.q || [one.transaction_id, one.user_id, one.device_id, one.ip, one.payment_method.fingerprint].includes(filters.q));

const feed = new Feed({ body: at("feed"), region: at("feed-scroll"), empty: at("feed-empty"), fresh: at("feed-new"), pause: at("feed-pause"), matches });

async function read({ more = false } = {}) {
  reading?.abort();
  reading = new AbortController();
  const wanted = new URLSearchParams({ limit: PAGE, ...filters });
  if (more) wanted.set("cursor", next);
  at("more").disabled = true;
  try {
    const page = await ask(`/api/transactions?${wanted}`, { signal: reading.signal });
    next = page.next_cursor;
    if (more || past()) feed.append(page.items); else { feed.add(page.items); feed.show(); }
    problem("history", null);
    say("feed-empty", Object.keys(filters).length ? "Nothing matches these filters." : "No transactions yet. Send one with the test form on the overview, or run scripts/generate_transactions.py --live.");
    at("clear-here").hidden = !Object.keys(filters).length || feed.kept.length > 0;
  } catch (error) {
    if (error.name === "AbortError") return;
    if (error.status === 422) problem("history", `These filters cannot be used: ${error.message}`);
    else problem("history", `History is not available (${error.told ?? error.message}); new decisions appear as they are made.`);
    say("feed-empty", "The list could not be read.");
  }
  at("more").disabled = false;
  at("more").hidden = !next;
}

function begin() {
  const given = parameters();
  filters = Object.fromEntries(FILTERS.filter((name) => given.get(name)).map((name) => [name, given.get(name)]));
  const told = [];
  if (filters.from || filters.to) told.push(`${filters.from ? `from ${moment(filters.from)}` : ""} ${filters.to ? `to ${moment(filters.to)}` : ""}`.trim());
  if (filters.country) told.push(`country ${country(filters.country)}`);
  if (filters.reason) told.push(`reason ${filters.reason.replaceAll("_", " ")}`);
  if (filters.max_score) told.push(`score up to ${filters.max_score}`);
  if (filters.user_id) told.push(`customer ${filters.user_id}`);
  at("also").hidden = !told.length;
  say("also", `Also: ${told.join(", ")}`);
  at("clear").hidden = !Object.keys(filters).length;
  say("mode", past() ? "of the past" : "as they are made");
  at("feed-pause").hidden = past();
  say("feed-empty", "Loading…");
  feed.still = past();
  feed.clear();
  feed.empty.hidden = false;
  read();
}

bind(at("filters"), begin);
at("clear").addEventListener("click", () => clear(FILTERS));
at("clear-here").addEventListener("click", () => clear(FILTERS));
at("more").addEventListener("click", () => read({ more: true }));
begin();
connect({
  onItems(decisions) { feed.add(decisions); },
  onGap: () => { if (!past()) read(); },
});
setInterval(() => say("held", feed.held && feed.waiting.size ? `${count(feed.waiting.size)} waiting` : ""), 1000);
