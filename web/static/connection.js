// The state of the live feed, told in the header's pill and, when it is lost, in a bar with what comes next.

import { at, say } from "./dom.js";
import { count } from "./format.js";
import { problem, toast } from "./notices.js";
import { follow } from "./socket.js";

// History follows a decision by a part of a second, so the last that were skipped may not be in the list yet.
const STORED_AFTER_MS = 1500;

export function connect({ onItems, onGap }) {
  let lostAt = null;
  let retryAt = 0;
  let caughtUp = true;
  let retry;

  function tell() {
    if (lostAt === null) return;
    const ago = Math.round((Date.now() - lostAt) / 1000);
    const wait = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
    say("connection-text", "Live feed lost");
    problem("feed", "Live feed lost: what you see is of then.", { aside: ` ${ago} s ago, trying again ${wait ? `in ${wait} s` : "now"}.`, action: ["Try now", () => retry()] });
  }

  setInterval(tell, 1000);
  retry = follow({
    onItems(items) {
      if (!caughtUp) {
        caughtUp = true;
        toast(`Caught up, ${count(items.length)} missed decisions loaded`);
      }
      onItems(items.map((item) => item.data));
    },
    onGap(dropped) {
      toast(`${dropped === null ? "Some" : count(dropped)} decisions were skipped in the feed; reading the list again`);
      onGap();
      setTimeout(onGap, STORED_AFTER_MS);
    },
    onOpen() {
      at("connection").dataset.state = "ok";
      say("connection-text", "Live");
      document.body.classList.remove("stale");
      problem("feed", null);
      if (lostAt !== null) caughtUp = false;
      lostAt = null;
    },
    onLost(wait) {
      at("connection").dataset.state = "down";
      document.body.classList.add("stale");
      lostAt ??= Date.now();
      retryAt = Date.now() + wait;
      tell();
    },
  });
}
