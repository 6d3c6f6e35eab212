r"""ALAD's objective: three games between an autoencoder A = (E, G) and discriminators D.

.. math::

    \min_{E, G} \max_{D} V, \quad
    V = \sum_{(real, forged)} E[\log \sigma(D(real))] + E[\log \sigma(-D(forged))]

over the games that are played, with D a logit and

====  ==================  ==================  =============================================
game  real                forged              what winning it teaches E and G
====  ==================  ==================  =============================================
xz    (x, E(x))           (G(z), z)           the joint distributions agree (BiGAN)
xx    (x, x)              (x, G(E(x)))        rows survive the round trip (ALICE)
zz    (z, z)              (z, E(G(z)))        latent vectors survive it (ALAD)
====  ==================  ==================  =============================================

The released code trains E and G by cross entropy with the labels exchanged. That is -V with
the two pairs of each game exchanged, so the equation stands here once and the second player
sits in the other chair. BiGAN is xz alone, ALICE is xz and xx: a game whose discriminator is
absent is not played.

Source: Zenati et al., ICDM 2018 (arXiv 1812.02288), section III; the released code at 1f1c310.
Differs from the released code: a latent discriminator that E and G do not answer to is not
trained at all (there it is trained and ignored, to the same effect).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jax import Array
from jax.nn import log_sigmoid

Inputs = tuple[Array, ...]  # what a discriminator looks at: a pair, or a row alone
Games = Mapping[str, tuple[Inputs, Inputs]]


def games(A: Any, x: Array, z: Array) -> Games:
    """Lay out the (real, forged) pairs that each discriminator must tell apart."""
    z_of_x, x_of_z = A.E(x), A.G(z)
    return {
        "xz": ((x, z_of_x), (x_of_z, z)),
        "xx": ((x, x), (x, A.G(z_of_x))),
        "zz": ((z, z), (z, A.E(x_of_z))),
    }


def swapped(games: Games) -> Games:
    """Give the same games from the other seat: E and G want every forgery taken for real."""
    return {name: (forged, real) for name, (real, forged) in games.items()}


def value(D: Any, games: Games) -> Array:
    """V, summed over the games that D has a discriminator for."""
    played = {name: pairs for name, pairs in games.items() if name in D}
    terms = [
        log_sigmoid(D[name](*real)).mean() + log_sigmoid(-D[name](*forged)).mean()
        for name, (real, forged) in played.items()
    ]
    return sum(terms[1:], start=terms[0])


def discriminators_loss(networks: Mapping[str, Any], x: Array, key: Array) -> Array:
    """-V: what the discriminators minimise on rows x, shape (n, ...), and fresh z ~ N(0, I)."""
    A, D = networks["A"], networks["D"]
    return -value(D, games(A, x, A.sample_z(key, len(x))))


def autoencoder_loss(networks: Mapping[str, Any], x: Array, key: Array) -> Array:
    """-V with real and forged exchanged: what E and G minimise together."""
    A, D = networks["A"], networks["D"]
    return -value(D, swapped(games(A, x, A.sample_z(key, len(x)))))


__all__ = ["autoencoder_loss", "discriminators_loss", "games", "swapped", "value"]
