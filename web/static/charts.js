// The only place that touches plotly: its defaults would offer to upload the data of a chart.

const CONFIG = { displayModeBar: false, displaylogo: false, showSendToCloud: false, plotlyServerURL: "", responsive: true };
const COLOURS = { approve: "#009e73", review: "#e69f00", block: "#d55e00" };
const SHAPES = { approve: "", review: "/", block: "x" };
const NAMES = { approve: "Approved", review: "Review", block: "Blocked" };
const ORDER = ["approve", "review", "block"];

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function layout(options) {
  const ink = style("--soft");
  const axis = { color: ink, gridcolor: style("--line"), zeroline: false, fixedrange: true };
  return {
    margin: { l: 46, r: 10, t: 8, b: 36 }, height: 240, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: ink, size: 11, family: "system-ui, sans-serif" }, barmode: "stack", bargap: 0.08,
    legend: { orientation: "h", y: 1.14, x: 0, traceorder: "normal" },
    ...options,
    xaxis: { ...axis, ...options.xaxis }, yaxis: { ...axis, ...options.yaxis },
  };
}

function bars(x, rows, hover) {
  return ORDER.map((decision) => ({
    type: "bar", name: NAMES[decision], x, y: rows.map((row) => row[decision]), hovertemplate: hover,
    marker: { color: COLOURS[decision], pattern: { shape: SHAPES[decision], fillmode: "overlay", fgcolor: "rgba(255,255,255,.6)", fgopacity: 1, size: 5 } },
  }));
}

export function course(node, series, describe) {
  const x = series.map((moment) => new Date(moment.at));
  Plotly.react(node, bars(x, series, "%{y} %{fullData.name}<br>%{x|%H:%M:%S}<extra></extra>"), layout({
    yaxis: { title: { text: "transactions" }, rangemode: "tozero" },
  }), CONFIG);
  node.setAttribute("role", "img");
  node.setAttribute("aria-label", describe);
}

export function risk(node, scores, thresholds, logarithmic, describe) {
  const x = scores.map((bin) => bin.start + 2.5);
  const line = (at) => ({ type: "line", x0: at, x1: at, yref: "paper", y0: 0, y1: 1, line: { color: style("--ink"), width: 1.5, dash: "dot" } });
  const word = (at, text) => ({ x: at, yref: "paper", y: 1, text, showarrow: false, xanchor: "right", xshift: -3, font: { size: 10 } });
  Plotly.react(node, bars(x, scores, "%{y} %{fullData.name}<br>score %{x:.0f} ± 2<extra></extra>"), layout({
    xaxis: { title: { text: "risk score" }, range: [0, 100] },
    yaxis: { title: { text: "transactions" }, type: logarithmic ? "log" : "linear", rangemode: "tozero", dtick: logarithmic ? 1 : undefined },
    shapes: [line(thresholds.review), line(thresholds.block)],
    annotations: [word(thresholds.review, "review"), word(thresholds.block, "block")],
  }), CONFIG);
  node.setAttribute("role", "img");
  node.setAttribute("aria-label", describe);
}

export function curves(node, both, describe) {
  const looks = [{ color: "#0072b2", width: 2 }, { color: "#d55e00", width: 2, dash: "dash" }];
  Plotly.react(node, both.map(([name, curve], place) => ({
    type: "scatter", mode: "lines", name: `${name} (${curve.average_precision.toFixed(3)})`, x: curve.recall, y: curve.precision, line: looks[place],
    hovertemplate: "recall %{x:.2f}, precision %{y:.2f}<extra>%{fullData.name}</extra>",
  })), layout({
    xaxis: { title: { text: "share of labelled fraud found (recall)" }, range: [0, 1.02] },
    yaxis: { title: { text: "precision" }, range: [0, 1.02] },
  }), CONFIG);
  node.setAttribute("role", "img");
  node.setAttribute("aria-label", describe);
}
