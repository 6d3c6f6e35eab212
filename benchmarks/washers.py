"""Parts with flaws, made up and looked at: ``python -m benchmarks.washers FOLDER``.

Draws washers with four holes, gray, a little out of place and unevenly lit, into ``FOLDER``:
``normal`` has 600 sound ones, ``mixed`` 60 other sound ones and 20 each of three flaws, a hole that
is missing, a scratch, a bite out of the rim. ``alad fit`` and ``alad look`` run on them with their
defaults; ``docs/images/washers.png`` is what the second drew. Then the scores of that model, and
simple methods on the pixels, tell flawed ones from sound ones: AUROC, stored.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import alad
from alad import KNN, PCA, IsolationForest
from alad.experiments.record import record
from alad.metrics import detection_metrics
from benchmarks.run import RESULTS

SIDE, FINER = 32, 4  # pixels; each is the mean of FINER x FINER
NORMAL, SOUND, EACH = 600, 60, 20
FLAWS = ("hole", "scratch", "bite")
RIM, BORE, HOLES = (12.5, 4.5), 8.5, 1.7  # radii of rim and bore; where the holes are; theirs
BACK, METAL, BRIGHT = 60.0, 150.0, 230.0  # gray levels
SCORES = ("features", "l1", "l2", "logits")

Plane = NDArray[np.float64]


def washer(rng: np.random.Generator, flaw: str | None = None) -> NDArray[np.uint8]:
    """Draw one from above, lit from a corner: (SIDE, SIDE)."""
    y, x = np.mgrid[: FINER * SIDE, : FINER * SIDE] / FINER - (SIDE - 1) / 2
    x, y = x - rng.uniform(-0.7, 0.7), y - rng.uniform(-0.7, 0.7)
    is_metal = (np.hypot(x, y) < RIM[0]) & (np.hypot(x, y) > RIM[1])
    at = [np.pi * (1 / 4 + k / 2) for k in range(4)]
    if flaw == "hole":
        del at[rng.integers(4)]
    for angle in at:
        is_metal &= ~disc(x, y, BORE, angle, HOLES)
    if flaw == "bite":
        is_metal &= ~disc(x, y, RIM[0], rng.uniform(0, 2 * np.pi), rng.uniform(2, 3.5))
    light = 1 + 0.25 * rng.uniform(0.8, 1.2) * (x + y) / SIDE
    gray = np.where(is_metal, METAL * light, BACK)
    if flaw == "scratch":
        gray[is_metal & scratch(x, y, rng)] = BRIGHT
    gray = rng.uniform(0.92, 1.08) * gray.reshape(SIDE, FINER, SIDE, FINER).mean(axis=(1, 3))
    return np.clip(gray + rng.normal(0, 3, gray.shape), 0, 255).astype(np.uint8)


def disc(x: Plane, y: Plane, distance: float, angle: float, radius: float) -> NDArray[np.bool_]:
    """Where a disc is, whose middle lies so far from that of the part."""
    return np.hypot(x - distance * np.cos(angle), y - distance * np.sin(angle)) < radius


def scratch(x: Plane, y: Plane, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Where a line of 8 pixels' length and one pixel's width is."""
    angle, aside, start = rng.uniform(0, np.pi), rng.uniform(-9, 9), rng.uniform(-8, 2)
    across = x * np.cos(angle) + y * np.sin(angle) - aside
    along = y * np.cos(angle) - x * np.sin(angle)
    return (np.abs(across) < 0.5) & (along > start) & (along < start + 8)


def write(folder: Path, flaws: list[str | None], rng: np.random.Generator) -> None:
    """Write a picture of each, named by its place and what is wrong with it."""
    folder.mkdir(parents=True)
    for i, flaw in enumerate(flaws):
        Image.fromarray(washer(rng, flaw)).save(folder / f"{i:03d}-{flaw or 'sound'}.png")


def read(folder: Path) -> tuple[NDArray[np.uint8], list[str]]:
    """Pictures (n, side, side, 1), and what is wrong with each."""
    paths = sorted(folder.glob("*.png"))
    x = np.stack([np.asarray(Image.open(path)) for path in paths])[..., None]
    return x, [path.stem.split("-")[1] for path in paths]


def judged(score: NDArray[np.float64], kinds: list[str]) -> dict[str, float]:
    """AUROC of all flawed ones against the sound, and of each flaw alone."""
    kind = np.array(kinds)
    found = {}
    for name in ("all", *FLAWS):
        taken = (kind == "sound") | (kind == name) | (name == "all")
        found[name] = detection_metrics(kind[taken] != "sound", score[taken])["auroc"]
    return found


def main() -> None:
    """Draw the parts, learn from the sound ones, look at the others and judge them."""
    place, rng = Path(sys.argv[1]), np.random.default_rng(0)
    write(place / "normal", [None] * NORMAL, rng)
    write(place / "mixed", [None] * SOUND + [flaw for flaw in FLAWS for _ in range(EACH)], rng)
    for command in (
        ("fit", place / "normal", "-o", place / "model"),
        ("look", place / "model", place / "mixed", "-o", place / "washers.png"),
    ):
        subprocess.run([sys.executable, "-m", "alad", *map(str, command)], check=True)
    (x, kinds), (known, _) = read(place / "mixed"), read(place / "normal")
    scores: dict[str, Any] = alad.load(place / "model").several_scores(x, SCORES)
    found = {f"ALAD, {name}": judged(score, kinds) for name, score in scores.items()}
    pixels, of_known = x.reshape(len(x), -1), known.reshape(len(known), -1)
    for simple in (KNN(), PCA(), IsolationForest(random_state=0)):
        score = -simple.fit(of_known).score_samples(pixels)
        found[f"{type(simple).__name__}, pixels"] = judged(score, kinds)
    command = "python -m benchmarks.washers FOLDER"
    record("washers", {"washers": found}, command=command, seeds=[0], folder=RESULTS)


if __name__ == "__main__":
    main()
