"""One plot for each measurement of `benchmarks.batch`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib import pyplot
from matplotlib.axes import Axes

#: The most memory that a run may hold, in megabytes.
GOAL_MB = 1500


def rate(found: dict[str, Any], axes: Axes) -> None:
    """Sentences a second of every way."""
    ways = {name: value for name, value in found["sentences_per_s"].items() if not name.startswith("share")}
    _bars(axes, ways, "{:.0f}")
    axes.set(xlabel="sentences a second", title="How fast, by way (WORKERSxTHREADS)")


def resume(found: dict[str, Any], axes: Axes) -> None:
    """Seconds of a run that was killed and resumed."""
    _bars(axes, found["seconds"], "{:.1f}")
    axes.set(xlabel="seconds", title=f"What resuming costs, {found['sentences']:,} sentences")


def million(found: dict[str, Any], axes: Axes) -> None:
    """Memory over time, with the rows done."""
    minutes = [seconds / 60 for seconds, _, _ in found["looks"]]
    axes.plot(minutes, [mb for _, mb, _ in found["looks"]], color="#0072b2")
    axes.axhline(GOAL_MB, color="#999999", linestyle=":")
    axes.set(xlabel="minutes", ylabel="memory of all processes, MB", ylim=(0, 1.1 * max(GOAL_MB, found["peak_mb"])))
    beside = axes.twinx()
    beside.plot(minutes, [rows for _, _, rows in found["looks"]], color="#d55e00")
    beside.set(ylabel="rows done", ylim=(0, None))
    axes.set(title=f"{found['rows']:,} sentences from start to end (blue: memory, orange: rows, dotted: goal)")


def flat(found: dict[str, Any], axes: Axes) -> None:
    """Peaks of memory by size."""
    _bars(axes, {f"{int(size):,} sentences": peak["peak_mb"] for size, peak in found["peaks"].items()}, "{:.0f}")
    axes.axvline(GOAL_MB, color="#999999", linestyle=":")
    axes.set(xlabel="peak memory of all processes, MB", title="Memory by size of the input (dotted: goal)")


def kills(found: dict[str, Any], axes: Axes) -> None:
    """Time lost a kill, in each run of each engine, with the rows lost and doubled in words."""
    for at, each in enumerate(found["engines"].values()):
        lost = [run["lost_s"] / run["kills"] for run in each["runs"] if run["kills"]]
        axes.scatter(lost, [at] * len(lost), alpha=0.6)
    labels = [
        f"{engine}: {each['kills']} kills,\n{each['lost']} rows lost, {each['doubled']} doubled"
        for engine, each in found["engines"].items()
    ]
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="seconds lost a kill, each dot a run", title="SIGKILL at random moments")
    axes.margins(y=0.3)


def _bars(axes: Axes, values: dict[str, float], form: str) -> None:
    bars = axes.barh(list(values), list(values.values()), color="#0072b2")
    axes.bar_label(bars, [form.format(value) for value in values.values()], padding=3)
    axes.invert_yaxis()
    axes.margins(x=0.15)


def draw(what: str, found: dict[str, Any], path: Path) -> None:
    """Draw a measurement's plot to `path`."""
    figure, axes = pyplot.subplots(figsize=(8, 3.5))
    {"rate": rate, "resume": resume, "million": million, "flat": flat, "kills": kills}[what](found, axes)
    figure.savefig(path, dpi=120, bbox_inches="tight")
    pyplot.close(figure)
