"""The plots of docs/benchmarks.md, each a PNG of less than 100 KB."""

from pathlib import Path
from typing import Any, Dict, List, Tuple

COLOURS = ("#2f6f6a", "#b4552d", "#5b6b8c", "#a88b2f")
MARKERS = ("o", "s", "^", "D")


def axes(width: float = 7, height: float = 4, count: int = 1) -> Tuple[Any, Any]:
    """An empty figure without a frame at the top and the right, drawn without a display."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    pyplot.rcParams.update(
        {
            "font.size": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.alpha": 0.3,
            "axes.axisbelow": True,
        }
    )
    figure, drawn = pyplot.subplots(1, count, figsize=(width, height))
    return figure, drawn


def save(figure: Any, path: Path) -> None:
    """Write the figure and let it go."""
    from matplotlib import pyplot

    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)


def learning_curve(points: Dict[str, Dict[int, float]], path: Path) -> None:
    """Right first (share) against examples a topic, one line a pipeline."""
    figure, ax = axes()
    for (name, found), colour, marker in zip(points.items(), COLOURS, MARKERS):
        amounts = sorted(found)
        ax.plot(amounts, [found[n] for n in amounts], color=colour, marker=marker, label=name)
    amounts = sorted({n for found in points.values() for n in found})
    ax.set_xscale("log")
    ax.set_xticks(amounts)
    ax.set_xticklabels(map(str, amounts))
    ax.minorticks_off()
    ax.set_xlabel("training examples a topic")
    ax.set_ylabel("right topic first")
    ax.legend(frameon=False)
    save(figure, path)


def worst_pairs(
    mistakes: Dict[str, Dict[Tuple[str, str], int]], path: Path, count: int = 15
) -> None:
    """The (wanted, got) pairs that are confused most, by all pipelines together; one bar a
    pipeline."""
    total: Dict[Tuple[str, str], int] = {}
    for found in mistakes.values():
        for pair, times in found.items():
            total[pair] = total.get(pair, 0) + times
    worst = sorted(total, key=lambda pair: (-total[pair], pair))[:count][::-1]
    figure, ax = axes(8, 0.35 * len(worst) + 1)
    height = 0.8 / len(mistakes)
    for number, ((name, found), colour) in enumerate(zip(mistakes.items(), COLOURS)):
        ax.barh(
            [row + 0.4 - height * (number + 0.5) for row in range(len(worst))],
            [found.get(pair, 0) for pair in worst],
            height,
            color=colour,
            label=name,
        )
    ax.set_yticks(range(len(worst)))
    ax.set_yticklabels([f"{wanted} → {got}" for wanted, got in worst])
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_xlabel("messages of the evaluation set (wanted → taken for)")
    ax.legend(frameon=False, loc="lower right")
    save(figure, path)


def percentiles(times: Dict[str, Dict[int, List[float]]], path: Path) -> None:
    """p50 (bar) and p95 (line) of a turn in milliseconds against concurrent visitors, one colour a
    system; logarithmic."""
    import numpy as np

    figure, ax = axes()
    visitors = sorted({n for found in times.values() for n in found})
    width = 0.8 / len(times)
    for number, ((name, found), colour) in enumerate(zip(times.items(), COLOURS)):
        for place, n in enumerate(visitors):
            if found.get(n):
                middle, high = np.percentile(found[n], [50, 95])
                x = place - 0.4 + width * (number + 0.5)
                ax.bar(x, middle, width * 0.9, color=colour, label=name if place == 0 else None)
                ax.plot([x, x], [middle, high], color=colour, linewidth=1.5)
                ax.plot([x - width / 4, x + width / 4], [high, high], color=colour, linewidth=1.5)
    ax.set_yscale("log")
    ax.set_xticks(range(len(visitors)))
    ax.set_xticklabels([f"{n} visitor{'s' if n > 1 else ''}" for n in visitors])
    ax.set_ylabel("ms a turn: bar p50, line to p95")
    ax.grid(axis="x", visible=False)
    ax.legend(frameon=False)
    save(figure, path)


def over_a_conversation(times: Dict[str, List[float]], path: Path) -> None:
    """Milliseconds against the number of the turn, the median of the conversations, one line a
    system."""
    figure, ax = axes()
    for (name, found), colour in zip(times.items(), COLOURS):
        ax.plot(range(1, len(found) + 1), found, color=colour, label=name, linewidth=1)
    ax.set_xlabel("turn of the conversation")
    ax.set_ylabel("ms a turn")
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False)
    save(figure, path)


def over_time(samples: List[Tuple[float, Dict[str, float]]], path: Path) -> None:
    """Resident megabytes of each process against minutes."""
    figure, ax = axes(7, 3.2)
    for name, colour in zip(samples[0][1], COLOURS):
        ax.plot(
            [minutes for minutes, _ in samples],
            [found[name] for _, found in samples],
            color=colour,
            label=name,
        )
    ax.set_xlabel("minutes")
    ax.set_ylabel("resident MB")
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False)
    save(figure, path)
