// The live feed: connects, goes on where it stopped, and waits longer after each failure.

const LONGEST_WAIT_S = 30;

export function follow({ onItems, onGap, onState }) {
  let cursor = null;
  let wait = 1;
  let timer = null;

  function connect() {
    clearTimeout(timer);
    const address = new URL("/ws", location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    if (cursor) address.searchParams.set("since", cursor);
    const socket = new WebSocket(address);
    socket.addEventListener("open", () => {
      wait = 1;
      onState("ok");
    });
    socket.addEventListener("message", (message) => {
      const frame = JSON.parse(message.data);
      if (frame.type === "batch") {
        cursor = frame.items.at(-1).id;
        onItems(frame.items);
      } else if (frame.type === "gap") {
        onGap(frame.dropped);
      }
    });
    socket.addEventListener("close", () => {
      onState("down", wait);
      timer = setTimeout(connect, wait * 1000 * (0.8 + 0.4 * Math.random()));
      wait = Math.min(wait * 2, LONGEST_WAIT_S);
    });
  }

  connect();
}
