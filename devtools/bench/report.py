"""The figures of the benchmark as tables in Markdown and as a plot. It measures nothing itself."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from pathlib import Path

import plotly.graph_objects as go

from devtools.bench.contenders import OURS
from devtools.bench.latency import LatencyResult
from devtools.bench.result import BenchResult
from fraud_app.contracts.scored import LATENCY_TARGET_MS


def table(result: BenchResult) -> str:
    """Three tables in Markdown; each figure is the median of the repeats."""
    return "\n".join([*_latency_rows(result), *_backlog_rows(result), *_score_rows(result)])


def _latency_rows(result: BenchResult) -> list[str]:
    rows = [
        "| | rate | p50 ms | p95 ms | p99 ms | p99.9 ms | CPU-s per 1,000 |",
        "|---|---|---|---|---|---|---|",
    ]
    for (name, rate), runs in _group(result.latency).items():
        figures = (
            _median(runs, lambda run: run.p50),
            _median(runs, lambda run: run.p95),
            _median(runs, lambda run: run.p99),
            _median(runs, lambda run: run.p999),
            _median(runs, lambda run: run.cpu_s_per_1000),
        )
        cells = " | ".join(f"{figure:.2f}" for figure in figures)
        rows.append(f"| {name} | {rate:g}/s | {cells} |")
    return rows


def _backlog_rows(result: BenchResult) -> list[str]:
    rows = [
        "",
        "| | backlog, per second | ours is | CPU-s per 1,000 | resident MiB | decided as ours |",
        "|---|---|---|---|---|---|",
    ]
    ours = statistics.median(result.backlog[OURS])
    for name, rates in result.backlog.items():
        rate = statistics.median(rates)
        cpu_s = statistics.median(result.backlog_cpu_s_per_1000[name])
        same = f"{result.same_decision[name]:.2%}" if name in result.same_decision else "–"
        rows.append(
            f"| {name} | {rate:,.0f} | {ours / rate:.2f} × | {cpu_s:.2f}"
            f" | {result.resident_mib[name]:,.0f} | {same} |"
        )
    return rows


def _score_rows(result: BenchResult) -> list[str]:
    rows = ["", "| POST /score | rate | p50 ms | p99 ms |", "|---|---|---|---|"]
    for (name, rate), runs in _group(result.score).items():
        p50, p99 = _median(runs, lambda run: run.p50), _median(runs, lambda run: run.p99)
        rows.append(f"| {name} | {rate:g}/s | {p50:.2f} | {p99:.2f} |")
    return rows


def plot(result: BenchResult, path: Path) -> None:
    """Write p99 against the rate, one line per contender, as an HTML page that loads nothing."""
    points: dict[str, list[tuple[float, float]]] = {}
    for (name, rate), runs in _group(result.latency).items():
        points.setdefault(name, []).append((rate, _median(runs, lambda run: run.p99)))
    figure = go.Figure()
    for name, line in points.items():
        rates, p99s = zip(*line, strict=True)
        figure.add_trace(go.Scatter(x=rates, y=p99s, name=name, mode="lines+markers"))
    figure.add_hline(LATENCY_TARGET_MS, line_dash="dash", annotation_text="promise: 50 ms")
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


def _group(results: Iterable[LatencyResult]) -> dict[tuple[str, float], list[LatencyResult]]:
    """The runs of the repeats, by contender and rate, in the order of measurement."""
    groups: dict[tuple[str, float], list[LatencyResult]] = {}
    for result in results:
        groups.setdefault((result.contender, result.rate), []).append(result)
    return groups


def _median(runs: list[LatencyResult], figure: Callable[[LatencyResult], float]) -> float:
    return statistics.median(map(figure, runs))
