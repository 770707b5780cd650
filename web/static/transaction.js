// One transaction by its address: the case and, below it, the verdict.

import { ask } from "./api.js";
import { show, standing } from "./case.js";
import { choose } from "./choice.js";
import { at, element, transactionApi, transactionPage } from "./dom.js";
import { parameters } from "./params.js";
import { barIn } from "./verdict.js";

const AGAIN_MS = 1000;
const TRIES = 4;
const id = decodeURIComponent(location.pathname.split("/")[2]);
const asked = { transaction_id: id, user_id: parameters().get("user_id") };

const bar = barIn("verdict", { given: () => read(), undone: () => read() });

async function read(tries = 0) {
  try {
    const found = await ask(transactionApi(asked, "/case"));
    show(at("case"), found);
    const taken = found.queue?.taken_by;
    bar.open(found.transaction, { supersedes: standing(found), blocked: taken && taken !== found.analyst ? `${taken} is deciding this one.` : null });
  } catch (error) {
    bar.close();
    if (error.code === "ambiguous_id") { await choose(at("case"), id, transactionPage); return; }
    const onItsWay = error.code === "not_found" && tries < TRIES;
    at("case").replaceChildren(element("p", { className: "empty", textContent: onItsWay ? "Not stored yet, looking again…" : error.code === "dead_lettered" ? `There is no transaction ${id} in the history: ${error.message}` : error.status === 404 ? `There is no transaction ${id} in the history.` : `It could not be read: ${error.told ?? error.message}` }),
      onItsWay ? "" : element("button", { type: "button", textContent: "Try again", onclick: () => read() }));
    if (onItsWay) setTimeout(() => read(tries + 1), AGAIN_MS);
  }
}

read();
