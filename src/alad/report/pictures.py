"""What a model of pictures sees: what it was shown, what it expected, and what it can make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from alad.report.plots import STYLE
from alad.report.visible import in_one_line, visible

Pictures = NDArray[Any]

ROWS = ("shown", "expected", "difference")
INCH = 1.05  # a side of one picture
HEAT = "inferno"
LETTERS = 18  # of a name that stand above a picture
SAMPLES = 2  # lines of pictures from the prior
WALKS = 2  # lines of pictures between two


@dataclass
class Extremes:
    """The most normal and the most anomalous of many pictures, gathered batch by batch.

    ``above`` counts those that lie above a model's threshold, ``names`` are of those kept.
    """

    count: int
    scores: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    pictures: list[Pictures] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    above: int = 0

    def add(self, scores: NDArray[np.float64], pictures: Pictures, names: Sequence[str]) -> None:
        """Take in a batch; ``scores`` are A(x), larger = more anomalous."""
        every = np.concatenate([self.scores, scores])
        shown, called = [*self.pictures, *pictures], [*self.names, *names]
        order = np.argsort(every, kind="stable")
        kept = order
        if len(order) > 2 * self.count:
            kept = np.concatenate([order[: self.count], order[-self.count :]])
        self.scores = every[kept]
        self.pictures = [shown[i].copy() for i in kept]  # not the batch that it is a part of
        self.names = [called[i] for i in kept]

    def halves(self) -> dict[str, slice]:
        """Where the most normal ones stand, and the most anomalous ones, the strangest last."""
        n = min(self.count, len(self.scores) // 2 or 1)
        return {"most normal": slice(0, n), "most anomalous": slice(len(self.scores) - n, None)}


def gather(model: Any, batches: Iterable[tuple[Pictures, Sequence[str]]], count: int) -> Extremes:
    """Score pictures, and keep the extremes."""
    found = Extremes(count)
    for pictures, names in batches:
        scores = -model.score_samples(pictures)
        found.add(scores, pictures, names)
        found.above += int((scores > -model.offset_).sum())
    return found


def look(model: Any, extremes: Extremes, seed: int) -> Figure:
    """Draw the extremes beside their reconstructions, samples G(z), and walks between codes E(x).

    The difference is the mean over the channels of ``abs(x - G(E(x)))``, on one scale for all, in
    steps of the 255 that a pixel has. DSEBM has r(x) for G(E(x)), and nothing to make pictures.
    """
    halves = extremes.halves()
    count = halves["most normal"].stop
    makes = hasattr(model, "generate")
    lines = len(ROWS) * len(halves) + (SAMPLES + WALKS if makes else 0)
    with matplotlib.style.context(STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(INCH * count + 1.7, INCH * lines + 1.6), layout="constrained")
        grid = figure.subplots(lines, count, squeeze=False)
        for ax in grid.flat:
            ax.set_axis_off()
        _draw_extremes(grid, model, extremes)
        if makes:
            _draw_made(grid[len(ROWS) * len(halves) :], model, extremes, seed)
        figure.suptitle(f"{type(model).__name__}: what it was shown, and what it expected")
        return figure


def _draw_extremes(grid: NDArray[Any], model: Any, extremes: Extremes) -> None:
    x = np.stack(extremes.pictures)
    expected = as_bytes(model.reconstruct(x))
    apart = np.abs(x.astype(np.float64) - expected).mean(axis=-1)
    most = max(float(apart.max()), 1e-9)
    formula = "G(E(x))" if hasattr(model, "generate") else "r(x)"
    named = [ROWS[0], f"{ROWS[1]}, {formula}", ROWS[2]]
    for part, (title, where) in enumerate(extremes.halves().items()):
        for row, pictures in enumerate((x, expected, apart)):
            line = grid[part * len(ROWS) + row]
            _name(line[0], f"{title}\n{named[row]}" if row == 0 else named[row])
            for ax, picture in zip(line, pictures[where], strict=False):
                image = _show(ax, picture, most if row == len(ROWS) - 1 else None)
        bar = line[0].figure.colorbar(image, ax=line, fraction=0.02, pad=0.01, aspect=8)
        bar.ax.set_title("of 255", fontsize=6.5)
        bar.ax.tick_params(labelsize=6.5)
        titles = zip(extremes.scores[where], extremes.names[where], strict=True)
        for ax, (score, name) in zip(grid[part * len(ROWS)], titles, strict=False):
            ax.set_title(
                f"{short(name)}\n{score:.4g}", fontsize=6.5, loc="center", parse_math=False
            )


def _draw_made(grid: NDArray[Any], model: Any, extremes: Extremes, seed: int) -> None:
    count = grid.shape[1]
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((SAMPLES * count, model.players_.latent_dim))
    for ax, picture in zip(grid[:SAMPLES].flat, as_bytes(model.generate(z)), strict=True):
        _show(ax, picture)
    _name(grid[0, 0], "samples\nG(z)")
    ends = model.encode(np.stack(extremes.pictures))  # from most normal to most anomalous
    for walk, line in enumerate(grid[SAMPLES:]):
        start, end = ends[walk % len(ends)], ends[-1 - walk % len(ends)]
        share = np.linspace(0, 1, count)[:, None]
        for ax, picture in zip(
            line, as_bytes(model.generate((1 - share) * start + share * end)), strict=True
        ):
            _show(ax, picture)
    _name(grid[SAMPLES, 0], "walk from E(x) of\nmost normal to\nmost anomalous")


def _show(ax: Axes, picture: Pictures, most: float | None = None) -> AxesImage:
    if most is not None:
        return ax.imshow(picture, cmap=HEAT, vmin=0, vmax=most)
    if picture.shape[-1] == 1:
        return ax.imshow(picture[..., 0], cmap="gray", vmin=0, vmax=255)
    return ax.imshow(picture)


def _name(ax: Axes, text: str) -> None:
    ax.text(-0.12, 0.5, text, ha="right", va="center", fontsize=8, transform=ax.transAxes)


def short(name: str) -> str:
    r"""Give the end of a name, as far as there is room, with codes for what the font lacks.

    >>> print(short("0001.png"), short("camera-2/part-0001.png"), short("\u6771.png"))
    0001.png …a-2/part-0001.png \u6771.png
    """
    known = get_font(findfont(FontProperties())).get_charmap()
    seen = in_one_line(visible(name))
    shown = "".join(c if ord(c) in known else f"\\u{ord(c):04x}" for c in seen)
    return shown if len(shown) <= LETTERS else f"…{shown[1 - LETTERS :]}"


def as_bytes(scaled: Pictures) -> NDArray[np.uint8]:
    """Turn pixels between -1 and 1 into bytes.

    >>> as_bytes(np.array([-1.0, 0.0, 1.0])).tolist()
    [0, 128, 255]
    """
    return np.clip(np.rint(np.asarray(scaled, np.float64) * 127.5 + 127.5), 0, 255).astype(np.uint8)
