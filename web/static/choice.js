// Several customers have a transaction with this id: which one is meant?

import { ask } from "./api.js";
import { badge, element, fill, link, to } from "./dom.js";
import { money, time } from "./format.js";

const LISTED = 200;

// addressOf: where a transaction is shown.
export async function choose(target, id, addressOf) {
  try {
    const page = await ask(to("/api/transactions", { q: id, limit: LISTED }));
    show(target, page.items.filter((one) => one.transaction_id === id), addressOf);
  } catch (error) {
    target.replaceChildren(element("p", { className: "empty", textContent: `The transactions with this ID could not be read: ${error.told ?? error.message}` }));
  }
}

function show(target, found, addressOf) {
  const table = element("table", {}, element("caption", { className: "hidden", textContent: "Transactions with this ID, newest first" }));
  fill(table, ["Customer", "Time", "Decision", "Amount"], found.map((one) => [
    link(addressOf(one), one.user_id), element("span", { textContent: time(one.scored_at), title: one.scored_at }), badge(one.decision), money(one.amount, one.currency),
  ]));
  target.replaceChildren(
    element("p", { className: "notice", textContent: "Several customers have a transaction with this ID. Choose one:" }),
    element("div", { className: "scroll" }, table));
}
