// The operations page: who runs and owns what, how far behind they are, what they depend on, and what could not be processed.

import { ask, every } from "./api.js";
import { at, element, fill, say, signed } from "./dom.js";
import { count, milliseconds, since, span } from "./format.js";
import { prepareLetters, readLetters } from "./letters.js";
import { problem } from "./notices.js";

const EVERY_MS = 2000;
const LETTERS_MS = 15_000;
const MOST_COUNTED = 1000;
const STATES = { ok: ["approve", "●", "Runs"], recovering: ["review", "▲", "Recovers"], silent: ["block", "■", "Silent"], degraded: ["review", "▲", "Degraded"], down: ["block", "■", "Down"] };
const state = (name) => signed(...STATES[name]);
const WITHOUT = {
  kafka: "nothing can be accepted or scored", redis: "scores without shared signals; no live feed", postgres: "history and review wait; scoring goes on",
  model: "everything goes to review", worker: "its partitions wait", tasks: "what they do is late",
};

function showOperations(found) {
  const scoring = found.processes.filter((one) => one.role === "scoring");
  const running = scoring.filter((one) => one.state === "ok");
  const lag = (role) => found.processes.filter((one) => one.role === role && one.state !== "silent").reduce((sum, one) => sum + one.lag, 0);
  say("o-workers", `${running.length} of ${scoring.length}`);
  say("o-workers-note", found.unowned.length ? `nobody scores partition ${found.unowned.join(", ")}` : `${found.partitions} partitions, each has its worker`);
  at("o-workers").classList.toggle("slow", found.unowned.length > 0);
  say("o-lag", count(lag("scoring")));
  say("o-lag-note", `to score; ${count(lag("storage"))} to store, ${count(lag("feed"))} to feed`);
  const left = found.processes.reduce((sum, one) => sum + one.to_recover, 0);
  say("o-recovery", count(left));
  say("o-recovery-note", left ? "changelog records to read before scoring begins" : "tables are complete");
  problem("fleet", found.processes_known ? null : "Redis is away: only the worker that answers this page is shown.");
  at("o-labels").hidden = !found.unmatched_labels;
  say("o-labels", `${count(found.unmatched_labels ?? 0)}${found.unmatched_labels >= MOST_COUNTED ? "+" : ""} labels name no customer, and no transaction or several have their id. Send them again with user_id.`);
  fill(at("processes"), ["Process", "State", "Does", "Partitions", "Lag", "To recover", "Running for", "Address", "Version", "Model"], found.processes.map((one) => [
    one.id, one.state === "silent" ? element("span", { title: `no word for ${span(one.silent_s)}` }, state("silent")) : element("span", { title: one.detail ?? "" }, state(one.state)), one.role, one.partitions.join(", ") || "none", one.lag, one.to_recover,
    element("span", { textContent: span(since(one.started_at)), title: one.started_at }), one.address ?? "–", one.version, one.model?.replace(/@.*/, "") ?? "–",
  ]));
  fill(at("dependencies"), ["Part", "State", "Told", "Without it"], Object.entries(found.checks).map(([name, check]) => [name, state(check.status), check.detail ?? "answers", WITHOUT[name] ?? ""]));
}

const asking = (source, task) => async () => {
  const started = performance.now();
  try {
    await task();
    problem(source, null);
  } catch (error) {
    problem(source, `Not up to date (${error.told ?? error.message})`);
  }
  if (source === "operations") say("o-answer", `answered in ${milliseconds(performance.now() - started)}`);
};

every(EVERY_MS, asking("operations", async () => showOperations(await ask("/api/operations"))));
prepareLetters(every(LETTERS_MS, asking("letters", readLetters)));
