// The live feed: connects, goes on where it stopped, and waits longer after each failure.

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;

// Returns a function that tries again at once.
export function follow({ onItems, onGap, onOpen, onLost }) {
  let cursor = null;
  let wait = FIRST_WAIT_MS;
  let timer = null;
  let socket = null;

  function connect() {
    clearTimeout(timer);
    const address = new URL("/ws", location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    if (cursor) address.searchParams.set("since", cursor);
    socket = new WebSocket(address);
    socket.addEventListener("open", () => {
      wait = FIRST_WAIT_MS;
      onOpen();
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
      const pause = wait * (0.8 + 0.4 * Math.random());
      onLost(pause);
      timer = setTimeout(connect, pause);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    });
  }

  connect();
  return () => { if (socket.readyState === WebSocket.CLOSED) connect(); };
}
