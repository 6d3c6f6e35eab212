"""Small networks for small pictures, and pictures: stripes are normal, dots are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from alad.networks.pictures import PICTURES, PictureNetworks

SIDE = 8
SMALL = replace(
    PICTURES,
    architecture=PictureNetworks(16),
    latent_dim=4,
    batch_size=8,
    epochs=1,
    min_steps=0,
)


def stripes(n: int, seed: int = 0, side: int = SIDE) -> np.ndarray:
    """Upright stripes of two pixels, at any of four places."""
    rng = np.random.default_rng(seed)
    place = (np.arange(side) + rng.integers(0, 4, (n, 1))) // 2 % 2
    return _noisy(np.broadcast_to(place[:, None], (n, side, side)), rng)


def dots(n: int, seed: int = 0, side: int = SIDE) -> np.ndarray:
    """As many dark and light pixels, anywhere."""
    rng = np.random.default_rng(seed)
    return _noisy(rng.integers(0, 2, (n, side, side)), rng)


def _noisy(light: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    pixels = 60 + 140 * light + rng.normal(0, 10, light.shape)
    return np.clip(pixels, 0, 255).astype(np.uint8)
