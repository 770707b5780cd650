// The only place that touches plotly: its defaults would offer to upload the data of a chart.

const CONFIG = { displayModeBar: false, displaylogo: false, showSendToCloud: false, plotlyServerURL: "", responsive: true };
export const COLOURS = { approve: "#009e73", review: "#e69f00", block: "#d55e00" };
const SHAPES = { approve: "", review: "/", block: "x" };
const NAMES = { approve: "Approved", review: "Review", block: "Blocked" };
const MARKERS = { approve: "circle", review: "triangle-up", block: "square" };
const ORDER = ["approve", "review", "block"];
const PROMISE_MS = 50;

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function layout(options) {
  const ink = style("--soft");
  const axis = { color: ink, gridcolor: style("--line"), zeroline: false, fixedrange: true };
  return {
    margin: { l: 48, r: 10, t: 8, b: 36 }, height: 240, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: ink, size: 11, family: "system-ui, sans-serif" }, barmode: "stack", bargap: 0.08,
    legend: { orientation: "h", y: 1.14, x: 0, traceorder: "normal" }, hoverlabel: { align: "left" },
    ...options,
    xaxis: { ...axis, ...options.xaxis }, yaxis: { ...axis, ...options.yaxis },
  };
}

// What each chart should show. One is drawn at a time, and only while it can be seen, so that no drawing holds up a click for long.
const wanted = new Map();
const seen = new Set();
let drawing = false;

const sight = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) seen.add(entry.target); else seen.delete(entry.target);
  drawNext();
}, { rootMargin: "200px" });

function drawNext() {
  if (drawing || typeof Plotly === "undefined") return;
  const next = [...wanted].find(([node]) => seen.has(node));
  if (!next) return;
  wanted.delete(next[0]);
  drawing = true;
  setTimeout(() => {
    drawNow(next[0], next[1]);
    drawing = false;
    drawNext();
  });
}

// Plotly takes a third of a second to start: figures come first, and it is fetched meanwhile.
let started = false;
function start() {
  if (started) return;
  started = true;
  const script = document.createElement("script");
  script.src = document.getElementById("plotly").href;
  script.addEventListener("load", drawNext);
  setTimeout(() => document.head.append(script));
}

function drawNow(node, { traces, options, clicked }) {
  Plotly.react(node, traces, layout(options), CONFIG);
  node.removeAllListeners?.("plotly_click");
  if (clicked) node.on("plotly_click", ({ points: [point] }) => clicked(point.pointNumber, point.curveNumber));
}

// clicked: told the index of the point and the number of its trace.
function draw(node, traces, options, describe, clicked) {
  node.setAttribute("role", "img");
  node.setAttribute("aria-label", describe);
  node.classList.toggle("clickable", Boolean(clicked));
  wanted.set(node, { traces, options, clicked });
  sight.observe(node);
  start();
  drawNext();
}

const marker = (decision) => ({
  color: COLOURS[decision], pattern: { shape: SHAPES[decision], fillmode: "overlay", fgcolor: "rgba(255,255,255,.6)", fgopacity: 1, size: 5 },
});

const bars = (x, rows, hover, decisions = ORDER) => decisions.map((decision) => ({
  type: "bar", name: NAMES[decision], x, y: rows.map((row) => row[decision]), hovertemplate: hover, marker: marker(decision),
}));

export function course(node, series, describe, clicked) {
  draw(node, bars(series.map((one) => new Date(one.at)), series, "%{y} %{fullData.name}<br>%{x|%H:%M:%S}<extra></extra>"), {
    yaxis: { title: { text: "transactions" }, rangemode: "tozero" },
  }, describe, clicked && ((place, trace) => clicked(series[place], ORDER[trace])));
}

export function risk(node, scores, thresholds, logarithmic, describe, clicked) {
  const x = scores.map((bin) => bin.start + 2.5);
  const line = (at) => ({ type: "line", x0: at, x1: at, yref: "paper", y0: 0, y1: 1, line: { color: style("--ink"), width: 1.5, dash: "dot" } });
  const word = (at, text) => ({ x: at, yref: "paper", y: 1, text, showarrow: false, xanchor: "right", xshift: -3, font: { size: 10 } });
  draw(node, bars(x, scores, "%{y} %{fullData.name}<br>score %{x:.0f} ± 2<extra></extra>"), {
    xaxis: { title: { text: "risk score" }, range: [0, 100] },
    yaxis: { title: { text: "transactions" }, type: logarithmic ? "log" : "linear", rangemode: "tozero", dtick: logarithmic ? 1 : undefined },
    shapes: [line(thresholds.review), line(thresholds.block)],
    annotations: [word(thresholds.review, "review"), word(thresholds.block, "block")],
  }, describe, clicked && ((place, trace) => clicked(scores[place], ORDER[trace])));
}

export function latency(node, series, describe) {
  const x = series.map((one) => new Date(one.at));
  const looks = { p50: { color: "#009e73", width: 2 }, p95: { color: "#0072b2", width: 2, dash: "dash" }, p99: { color: "#d55e00", width: 2, dash: "dot" } };
  const top = Math.max(PROMISE_MS, ...series.map((one) => one.p99 ?? 0));
  draw(node, Object.entries(looks).map(([name, line]) => ({
    type: "scatter", mode: "lines+markers", marker: { size: 4, color: line.color }, name, x, y: series.map((one) => one[name]), line, connectgaps: false,
    hovertemplate: "%{y:.1f} ms<br>%{x|%H:%M:%S}<extra>%{fullData.name}</extra>",
  })), {
    yaxis: { title: { text: "milliseconds" }, range: [0, top * 1.12] },
    shapes: [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: PROMISE_MS, y1: PROMISE_MS, line: { color: style("--ink"), width: 1.5, dash: "dot" } }],
    annotations: [{ xref: "paper", x: 1, y: PROMISE_MS, text: "promise 50 ms", showarrow: false, xanchor: "right", yanchor: "bottom", font: { size: 10 } }],
  }, describe);
}

export function money(node, series, describe, clicked) {
  const rows = series.map((one) => ({ review: one.reviewed_eur, block: one.blocked_eur }));
  draw(node, bars(series.map((one) => new Date(one.at)), rows, "€%{y:,.2f} %{fullData.name}<br>%{x|%H:%M:%S}<extra></extra>", ["review", "block"]), {
    yaxis: { title: { text: "euro" }, rangemode: "tozero" },
  }, describe, clicked && ((place, trace) => clicked(series[place], ["review", "block"][trace])));
}

// Countries or reasons, most first: horizontal bars, so that long names can be read.
export function parts(node, rows, describe, clicked) {
  const shown = [...rows].reverse();
  const short = (name) => (name.length > 34 ? `${name.slice(0, 33)}…` : name);
  draw(node, ["review", "block"].map((decision) => ({
    type: "bar", orientation: "h", name: NAMES[decision], y: shown.map((row) => short(row.label)), x: shown.map((row) => row[decision]), marker: marker(decision),
    customdata: shown.map((row) => row.label), hovertemplate: "%{x} %{fullData.name}<br>%{customdata}<extra></extra>",
  })), {
    margin: { l: 10, r: 10, t: 26, b: 36 }, bargap: 0.25, legend: { orientation: "h", y: 1, yanchor: "bottom", x: 0 }, height: Math.max(160, 70 + 24 * shown.length), yaxis: { automargin: true, type: "category", gridcolor: "rgba(0,0,0,0)" },
    xaxis: { title: { text: "transactions" }, rangemode: "tozero" },
  }, describe, clicked && ((place, trace) => clicked(shown[place], ["review", "block"][trace])));
}

export function curves(node, both, describe) {
  const looks = [{ color: "#0072b2", width: 2 }, { color: "#d55e00", width: 2, dash: "dash" }];
  draw(node, both.map(([name, curve], place) => ({
    type: "scatter", mode: "lines", name: `${name} (${curve.average_precision.toFixed(3)})`, x: curve.recall, y: curve.precision, line: looks[place],
    hovertemplate: "recall %{x:.2f}, precision %{y:.2f}<extra>%{fullData.name}</extra>",
  })), {
    xaxis: { title: { text: "share of labelled fraud found (recall)" }, range: [0, 1.02] },
    yaxis: { title: { text: "precision" }, range: [0, 1.02] },
  }, describe);
}

// A customer's payments: when, how much, and what was decided.
export function payments(node, items, describe, clicked) {
  const of = (decision) => items.filter((one) => one.decision === decision);
  draw(node, ORDER.map((decision) => ({
    type: "scatter", mode: "markers", name: NAMES[decision], x: of(decision).map((one) => new Date(one.scored_at)), y: of(decision).map((one) => Number(one.amount)),
    marker: { color: COLOURS[decision], symbol: MARKERS[decision], size: 9, line: { color: style("--ink"), width: 0.6 } },
    text: of(decision).map((one) => `${one.amount} ${one.currency}`), hovertemplate: "%{text}<br>%{x|%d %b %H:%M:%S}<extra>%{fullData.name}</extra>",
  })), {
    yaxis: { title: { text: "amount, as it was paid" }, rangemode: "tozero" },
  }, describe, (place, trace) => clicked(of(ORDER[trace])[place]));
}

export function hours(node, counts, describe) {
  draw(node, [{ type: "bar", x: counts.map((_, hour) => hour), y: counts, marker: { color: "#0072b2" }, hovertemplate: "%{y} payments at %{x}:00<extra></extra>" }], {
    xaxis: { title: { text: "hour of the day, UTC" }, dtick: 3, range: [-0.6, 23.6] }, yaxis: { title: { text: "payments" }, rangemode: "tozero" }, height: 200,
  }, describe);
}

// A line without axes, as wide as its place.
export function spark(node, values) {
  const known = values.map((value) => value ?? 0);
  const top = Math.max(...known, 1e-9);
  const points = known.map((value, place) => `${(100 * place) / Math.max(1, known.length - 1)},${(22 - (20 * value) / top).toFixed(1)}`).join(" ");
  node.querySelector("polyline").setAttribute("points", points);
}
