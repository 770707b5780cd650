// Dead letters on the operations page: find them, look at one, send one or many again.

import { ask } from "./api.js";
import { at, element, fill, link, say, to, transactionPage } from "./dom.js";
import { count, moment, since, span } from "./format.js";
import { toast } from "./notices.js";
import { bind, clear, parameters } from "./params.js";

const PAGE = 50;
const MOST_SHOWN = 200;
const MOST_RESENT = 100;
const MOST_COUNTED = 10_000;
const FILTERS = ["code", "topic", "transaction_id", "resent"];
const SPANS = { "1h": 3600, "24h": 86_400, "7d": 7 * 86_400 };
const FACTS = [
  ["Written", (one) => moment(one.at)], ["Record", (one) => place(one)], ["Reason", (one) => `${one.code}: ${one.detail}`], ["Attempts", (one) => one.attempts],
  ["Transaction", (one) => one.transaction_id && link(transactionPage(one), one.transaction_id)], ["Customer", (one) => one.user_id],
  ["Value", (one) => `${count(one.size)} bytes${one.masked ? ", card data masked" : ""}`],
  ["Cut", (one) => one.original_length && `the record had ${count(one.original_length)} bytes; sha256 ${one.original_sha256}`],
  ["Sent again", (one) => one.resent && `${moment(one.resent.at)} by ${one.resent.by}, to ${one.topic} ${one.resent.partition}:${one.resent.offset}`],
];

const selected = new Set();
let shown = PAGE;

const place = (one) => `${one.topic || "?"} ${one.original_partition ?? "?"}:${one.original_offset ?? "?"}`;
const canBeChosen = (one) => !one.resent && one.original_length === null;

// Reads the list again; what is selected stays so.
export async function readLetters() {
  const given = parameters();
  const wanted = Object.fromEntries(FILTERS.map((name) => [name, given.get(name)]));
  const seconds = SPANS[given.get("since")];
  if (seconds) wanted.from = new Date(Date.now() - seconds * 1000).toISOString();
  const filtered = Object.values(wanted).some(Boolean);
  const found = await ask(to("/api/dead-letters", { limit: shown, ...wanted }));
  showCount(filtered ? await ask("/api/dead-letters?limit=1") : found);
  at("letters").hidden = !found.items.length;
  at("letters-empty").hidden = found.items.length > 0;
  at("letters-clear").hidden = found.items.length > 0 || !filtered;
  say("letters-empty", filtered ? "No dead letter matches these filters." : "No dead letters: every message could be processed.");
  at("letters-more").hidden = !found.next_cursor || shown >= MOST_SHOWN;
  say("letters-note", found.next_cursor && shown >= MOST_SHOWN ? `The latest ${MOST_SHOWN}; filter to see others.` : "Card numbers are masked.");
  for (const one of found.items) if (!canBeChosen(one)) selected.delete(one.offset);
  show(found.items);
  showSelected();
}

function showCount(all) {
  say("o-letters", all.total >= MOST_COUNTED ? `${count(MOST_COUNTED)}+` : count(all.total));
  say("o-letters-note", all.items.length ? `the latest ${span(since(all.items[0].at))} ago` : "everything could be processed");
}

// Without an id, the start of the value says which transaction it may be.
function show(letters) {
  fill(at("letters"), ["Select", "Letter", "Written", "Reason", "Record", "Transaction", "Sent again"], letters.map((one) => [
    chooser(one), element("button", { type: "button", className: "quiet", textContent: "Details", "aria-label": `Details of letter ${one.offset}`, onclick: () => look(one.offset) }),
    element("span", { textContent: moment(one.at), title: one.at }), element("span", { className: "short", title: one.detail }, element("code", { textContent: one.code }), ` ${one.detail}`), place(one),
    one.transaction_id ? element("span", { className: "short", textContent: one.transaction_id, title: one.transaction_id }) : element("code", { className: "short", textContent: one.preview }),
    one.resent ? element("span", { textContent: moment(one.resent.at), title: `by ${one.resent.by}` }) : one.original_length === null ? "–" : "cannot be: it was cut",
  ]));
}

function chooser(one) {
  const box = element("input", { type: "checkbox", checked: selected.has(one.offset), disabled: !canBeChosen(one), "aria-label": `Select letter ${one.offset}` });
  if (one.original_length !== null) box.title = "it was cut and cannot be sent again";
  box.addEventListener("change", () => { if (box.checked) selected.add(one.offset); else selected.delete(one.offset); showSelected(); });
  return box;
}

function showSelected() {
  at("letters-resend").disabled = selected.size === 0 || selected.size > MOST_RESENT;
  say("letters-resend", selected.size > MOST_RESENT ? `At most ${MOST_RESENT} at once` : selected.size ? `Resend selected (${selected.size})` : "Resend selected");
}

async function look(offset) {
  const dialog = at("letter");
  say("letter-title", `Dead letter ${offset}`);
  at("letter-facts").replaceChildren();
  say("letter-value", "Loading…");
  at("letter-resend").disabled = true;
  say("letter-cannot", "");
  if (!dialog.open) dialog.showModal();
  try {
    const one = await ask(`/api/dead-letters/${offset}`);
    const facts = FACTS.map(([name, of]) => [name, of(one)]).filter(([, value]) => value !== null && value !== undefined && value !== "");
    at("letter-facts").replaceChildren(...facts.flatMap(([name, value]) => [element("dt", { textContent: name }), element("dd", {}, value)]));
    say("letter-value", one.value ?? "Kafka does not keep it any more.");
    say("letter-cannot", one.cannot_resend ? `It cannot be sent again: ${one.cannot_resend}.` : "");
    at("letter-resend").disabled = Boolean(one.cannot_resend);
    at("letter-resend").onclick = () => resend([offset]);
  } catch (error) {
    say("letter-value", `It could not be read: ${error.told ?? error.message}`);
  }
}

async function resend(offsets) {
  at("letters-resend").disabled = true;
  at("letter-resend").disabled = true;
  try {
    const { items } = await ask("/api/dead-letters/resend", { method: "POST", body: { offsets } });
    const sent = items.filter((one) => one.outcome === "resent").length;
    const others = items.filter((one) => one.outcome !== "resent");
    for (const one of items) selected.delete(one.offset);
    toast(`${sent} of ${items.length} sent again`);
    at("letters-refused").replaceChildren(...others.map((one) => element("li", { textContent: `Letter ${one.offset} was not sent again: ${one.detail}.` })));
    at("letter").close();
    await readLetters();
  } catch (error) {
    toast(`Not sent again: ${error.told ?? error.message}`);
    showSelected();
    at("letter-resend").disabled = false;
  }
}

// `refresh` reads the list again and says when it cannot be read.
export function prepareLetters(refresh) {
  bind(at("letters-filters"), () => { shown = PAGE; refresh(); });
  at("letters-clear").addEventListener("click", () => clear([...FILTERS, "since"]));
  at("letters-more").addEventListener("click", () => { shown = Math.min(shown + PAGE, MOST_SHOWN); refresh(); });
  at("letters-resend").addEventListener("click", () => resend([...selected].sort((a, b) => a - b)));
  at("letter-close").addEventListener("click", () => at("letter").close());
}
