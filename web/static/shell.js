// On every page: is the whole fleet well, who is in front of it, how much waits for review, and the keyboard.

import { analyst, ask, callMe, every } from "./api.js";
import { at, say } from "./dom.js";
import { count } from "./format.js";
import { listen } from "./keys.js";
import { problem } from "./notices.js";

const HEALTH_MS = 5000;
const QUEUE_MS = 15_000;
const WORDS = { ok: "All systems work", degraded: "Degraded", down: "Down" };

async function health() {
  try {
    const found = await ask("/api/health");
    at("health").dataset.state = found.fleet.status;
    say("health-text", WORDS[found.fleet.status]);
    const wrong = Object.entries(found.checks).filter(([, check]) => check.status !== "ok").map(([name, check]) => `${name}: ${check.detail ?? check.status}`);
    problem("health", [...wrong, found.fleet.detail].filter(Boolean).join(" · ") || null);
    at("analyst").hidden = found.auth !== "off";
  } catch (error) {
    at("health").dataset.state = "down";
    say("health-text", "No answer");
    problem("health", `What you see may be old: ${error.message}.`);
  }
}

async function queue() {
  try {
    const { open } = await ask("/api/reviews?limit=1");
    at("open").hidden = open === 0;
    say("open-count", open > 999 ? "999+" : count(open));
  } catch {
    at("open").hidden = true;
  }
}

function introduce() {
  const show = () => say("analyst", analyst() || "Your name");
  at("analyst").addEventListener("click", () => {
    at("name").value = analyst();
    at("name-dialog").showModal();
  });
  at("name-dialog").addEventListener("close", () => {
    if (at("name-dialog").returnValue !== "keep") return;
    callMe(at("name").value.trim());
    show();
  });
  show();
}

listen();
introduce();
every(HEALTH_MS, health);
export const countQueue = every(QUEUE_MS, queue);
