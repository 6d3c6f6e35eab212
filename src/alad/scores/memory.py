r"""Anomaly scores that compare a row with normal rows that were kept, larger = more anomalous.

With :math:`r_1, \dots, r_k` the distances from x to the k = 10 nearest rows of the memory, none
counted as less than a fiftieth of how far that row lies from its crowd, :math:`s_i` those rows' own
radii, :math:`\varepsilon` a twentieth of the mean radius, the trust
:math:`t = \min(1, n / 10 d)` for n distinct training rows of d columns, and
:math:`\ell(x) = a_1 D_{xz}(x, E(x)) + a_2 D_{xx}(x, x) + b`:

==============  =============================================================================
name            A(x)
==============  =============================================================================
distance        :math:`\frac{1}{k} \sum_i \log(r_i + \varepsilon)`
local-distance  the same, less :math:`\frac{1}{3} \log(\frac{1}{k} \sum_i s_i + \varepsilon)`
memory          the same, and :math:`\frac{t}{10} \min(8, \log(1 + e^{-\ell(x)}))`
==============  =============================================================================

"distance" is the logarithm of the geometric mean: near neighbours count, but no single one
decides. "local-distance" asks for less where normal rows lie far apart, yet not as much less as
the local outlier factor does. "memory" adds what no distance sees: the discriminators' doubt that
the columns belong together. The doubt is never negative, so discriminators that are too sure of a
row far from all others cannot speak it free; and never more than 8, a probability of 1 in 3,000,
for beyond that a logit says how far out the row is and nothing that rows have taught it.

Discriminators learn few rows by heart and then doubt every other. So a and b come from rows that
training did not see: of all :math:`0 \le a \le 1` and b those by which :math:`\sigma(\ell)`
tells them best from the same rows with exchanged columns (:mod:`alad.estimators._doubt`). Where it
cannot, a is 0, and all rows are doubted alike. A discriminator of a game that is not played has no
say. From fewer than ten rows a column the doubt weighs less.

A row's crowd is the twentieth of the kept rows that is nearest to it, and how far it lies from its
crowd is the distance to the farthest of these (about: of 2,048 kept rows at most). Rows that are
close to each other and far from all others, as anomalies of a kind are that were left among the
training rows, vouch less for what is like them.

There, where t < 1, every value of x and of the kept rows is also first squashed to
:math:`\pm c \log(1 + |x| / c)` with :math:`c = 2 / (1 - t)`: among few rows a single wild column
would decide which are near (:func:`alad.networks.memory.squashed`).

Differs from the paper, which has no memory. Sources: k nearest neighbours, Ramaswamy et al., 2000;
local scaling, and distances that do not fall below a kept row's own to its neighbours, Breunig et
al., LOF, SIGMOD 2000; a and b, Platt, Probabilities for SV machines,
1999. The constants were chosen once, for all tables, on the development sets (docs/quality.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.nn import softplus

NEIGHBOURS = 10
LOCALITY = 1 / 3
DOUBT, MOST_DOUBT = 0.1, 8.0
OF_ROWS = ("xz", "xx")  # the games whose discriminators say something of a row


def distance(networks: Mapping[str, Any], x: Array) -> Array:
    """Logarithm of the geometric mean distance to the nearest rows of the memory."""
    memory = networks["M"]
    distances, _ = memory.nearest(x, NEIGHBOURS)
    return jnp.log(distances + memory.unit[...]).mean(axis=1)


def local_distance(networks: Mapping[str, Any], x: Array) -> Array:
    """The same, in part relative to how far apart the rows of the memory lie there."""
    memory = networks["M"]
    distances, radii = memory.nearest(x, NEIGHBOURS)
    here = jnp.log(radii.mean(axis=1) + memory.unit[...])
    return jnp.log(distances + memory.unit[...]).mean(axis=1) - LOCALITY * here


def memory(networks: Mapping[str, Any], x: Array) -> Array:
    """The same, and the doubt of D_xz in (x, E(x)) and of D_xx in (x, x)."""
    return doubted(networks, x, own_logits(networks, x))


def doubted(networks: Mapping[str, Any], x: Array, logits: Array) -> Array:
    """The same, with what two discriminators say of each row, (n, 2)."""
    M = networks["M"]
    logit = logits @ M.slopes[...] + M.intercept[...]
    doubt = jnp.minimum(softplus(-logit), MOST_DOUBT)
    score: Array = local_distance(networks, x) + DOUBT * M.trust[...] * doubt
    return score


def place(networks: Mapping[str, Any], x: Array) -> Array:
    """Where x lies among the rows of the memory, as a number (n,): no score."""
    where: Array = networks["M"].place(x)
    return where


def own_logits(networks: Mapping[str, Any], x: Array) -> Array:
    """What D_xz says of (x, E(x)) and D_xx of (x, x), (n, 2); 0 for one that is not there."""
    A, D = networks["A"], networks["D"]
    of_xz = D["xz"](x, A.E(x)) if "xz" in D else jnp.zeros(len(x))
    of_xx = D["xx"](x, x) if "xx" in D else jnp.zeros(len(x))
    return jnp.stack([of_xz, of_xx], axis=1)


MEMORY_SCORES: dict[str, Callable[[Mapping[str, Any], Array], Array]] = {
    "distance": distance,
    "local-distance": local_distance,
    "memory": memory,
}
