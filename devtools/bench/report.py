"""What the bench found, as a table in Markdown and as a plot."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path

import plotly.graph_objects as go

from devtools.bench.contenders import OURS
from devtools.bench.latency import LatencyResult
from devtools.bench.result import BenchResult

PROMISE_MS = 50.0


def table(found: BenchResult) -> str:
    """Medians over the repeats."""
    lines = [
        "| | rate | p50 ms | p95 ms | p99 ms | p99.9 ms | CPU-s per 1,000 |",
        "|---|---|---|---|---|---|---|",
    ]
    for (name, rate), runs in _grouped(found.latency).items():
        cells = " | ".join(
            _median(runs, of) for of in (_p50, _p95, _p99, _p999, lambda one: one.cpu_s_per_1000)
        )
        lines.append(f"| {name} | {rate:g}/s | {cells} |")
    ours = statistics.median(found.backlog[OURS])
    lines += [
        "",
        "| | backlog, per second | ours is | CPU-s per 1,000 | resident MiB | decided as ours |",
    ]
    lines += ["|---|---|---|---|---|---|"]
    for name, rates in found.backlog.items():
        rate = statistics.median(rates)
        same = f"{found.same_decision[name]:.2%}" if name in found.same_decision else "–"
        cpu = statistics.median(found.backlog_cpu_s_per_1000[name])
        lines.append(
            f"| {name} | {rate:,.0f} | {ours / rate:.2f} × | {cpu:.2f} | {found.resident_mib[name]:,.0f} | {same} |"
        )
    lines += ["", "| POST /score | rate | p50 ms | p99 ms |", "|---|---|---|---|"]
    for (name, rate), runs in _grouped(found.score).items():
        lines.append(f"| {name} | {rate:g}/s | {_median(runs, _p50)} | {_median(runs, _p99)} |")
    return "\n".join(lines)


def plot(found: BenchResult, path: Path) -> None:
    """p99 against the rate, one line a contender, as a page that needs nothing else."""
    figure = go.Figure()
    for name in dict.fromkeys(one.contender for one in found.latency):
        points = [
            (rate, statistics.median(one.p99 for one in runs))
            for (of, rate), runs in _grouped(found.latency).items()
            if of == name
        ]
        figure.add_trace(
            go.Scatter(
                x=[x for x, _ in points], y=[y for _, y in points], name=name, mode="lines+markers"
            )
        )
    figure.add_hline(PROMISE_MS, line_dash="dash", annotation_text="promise: 50 ms")
    figure.update_layout(
        title="99th percentile from due to decision read back",
        xaxis_title="transactions a second",
        yaxis_title="ms",
        yaxis_type="log",
        template="plotly_white",
    )
    figure.write_html(
        path,
        include_plotlyjs=True,
        config={"showSendToCloud": False, "plotlyServerURL": "", "displaylogo": False},
    )


def _grouped(measured: list[LatencyResult]) -> dict[tuple[str, float], list[LatencyResult]]:
    groups: dict[tuple[str, float], list[LatencyResult]] = {}
    for one in measured:
        groups.setdefault((one.contender, one.rate), []).append(one)
    return groups


def _median(runs: list[LatencyResult], of: Callable[[LatencyResult], float]) -> str:
    return f"{statistics.median(map(of, runs)):.2f}"


def _p50(one: LatencyResult) -> float:
    return one.p50


def _p95(one: LatencyResult) -> float:
    return one.p95


def _p99(one: LatencyResult) -> float:
    return one.p99


def _p999(one: LatencyResult) -> float:
    return one.p999
