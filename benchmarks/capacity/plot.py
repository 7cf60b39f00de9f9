"""Recall of the rules as curves: one line of panels for each kind of keys. Needs matplotlib (extra `bench`)."""

from __future__ import annotations

from collections.abc import Sequence

from capacity.rules import RULES, Row, views
from deltamem_cli.errors import UsageError

_COLUMNS = 3


def check() -> None:
    """Raise UsageError where matplotlib is missing, before anything is measured."""
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise UsageError("--plot needs matplotlib; install it with: pip install 'deltamem[bench]'")


def plot(rows: Sequence[Row], path: str) -> None:
    """Write the PNG. Raises UsageError where matplotlib is missing or `path` cannot be written."""
    check()
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    panels = list(views(rows))
    lines = -(-len(panels) // _COLUMNS)
    figure, axes = pyplot.subplots(
        lines, _COLUMNS, figsize=(13, 3.6 * lines), squeeze=False, sharey=True, layout="constrained"
    )
    for axis, (title, varies, chosen) in zip(axes.flat, panels, strict=False):
        for rule in RULES:
            curve = [row for row in chosen if row.rule == rule]
            axis.plot([getattr(row, varies) for row in curve], [row.recall for row in curve], "o-", ms=4, label=rule)
        axis.set_title(title.replace(": ", "\n"), fontsize=10)
        axis.set(ylim=(-0.02, 1.02), ylabel="recall@1")
        if varies == "load":
            axis.set_xscale("log", base=2)
            axis.set_xticks(loads := sorted({row.load for row in chosen}), labels=[f"{load:g}" for load in loads])
            axis.set_xlabel("writes / d")
        else:
            axis.tick_params(axis="x", labelrotation=25, labelsize=8)
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    try:
        figure.savefig(path, dpi=70)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be written ({error}); give the name of a .png file") from error
    finally:
        pyplot.close(figure)
