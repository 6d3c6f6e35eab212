"""Layers as a graph, beside the modules that they translate."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from alad.export.agreement import session
from alad.export.graph import Graph, flat, total
from alad.export.layers import features, features_of_pairs, logit, stack
from alad.networks.layers import ACTIVATIONS, ConvLayer, DenseLayer, Stack
from alad.networks.models import Discriminator

CONV, GROWING = ConvLayer(5, "relu", batch_norm=True), ConvLayer(4, "tanh", transposed=True)


def trained(module):
    """The module as after training: no batch statistic, bias or scale is 0 or 1."""
    rng, state = np.random.default_rng(0), nnx.state(module)
    for path, variable in nnx.to_flat_state(state):
        if path[-1] in ("mean", "bias", "var", "scale"):
            variable[...] = jnp.asarray(rng.uniform(0.5, 2, variable.shape), jnp.float32)
    nnx.update(module, state)
    module.eval()
    return module


def both(translated, module, *shapes):
    """What a graph and its module make of rows, each number weighted and summed."""
    rng = np.random.default_rng(1)
    rows = [rng.normal(size=(3, *shape)).astype(np.float32) for shape in shapes]
    expected = np.asarray(module(*rows)).reshape(3, -1)
    weights = rng.normal(size=expected.shape[1]).astype(np.float32)
    graph = Graph()
    given = [graph.input(f"x{i}", np.float32, *shape) for i, shape in enumerate(shapes)]
    graph.output("sum", total(flat(translated(*given)) * weights))
    running = session(graph.model({}).SerializeToString())
    (found,) = running.run(None, {f"x{i}": x for i, x in enumerate(rows)})
    return found, expected @ weights


@pytest.mark.parametrize(
    ("layers", "size", "outputs"),
    [
        *(((DenseLayer(6, name), DenseLayer(2)), (4,), None) for name in ACTIVATIONS),
        ((DenseLayer(6, batch_norm=True, dropout=0.5), DenseLayer(None)), (4,), 3),
        ((DenseLayer(6, "relu", spectral=True),), (4,), None),
        ((CONV,), (9, 9, 2), None),
        ((CONV, DenseLayer(2)), (8, 8, 1), None),
        ((ConvLayer(3, kernel=5, spectral=True),), (7, 7, 2), None),
        ((ConvLayer(3, kernel=3, pooled=True),), (10, 10, 2), None),
        ((CONV, ConvLayer(None, kernel=4, whole=True)), (8, 8, 2), 5),
        ((ConvLayer(3, kernel=4, whole=True, transposed=True), GROWING), (6,), (7, 7, 4)),
        ((DenseLayer(None, "tanh"),), (4,), (3, 3, 2)),
    ],
)
def test_a_stack(layers, size, outputs):
    how = {"outputs": outputs, "rngs": nnx.Rngs(0), "spectral_norm": True}
    module = trained(Stack(layers, inputs=(size,), **how))
    found, expected = both(lambda x: stack(module, x), module, size)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("layers", "size", "joined"),
    [
        ((DenseLayer(6, "leaky_relu", spectral=True), DenseLayer(3)), (4,), "features"),
        ((ConvLayer(3), DenseLayer(3)), (6, 6, 2), "features"),
        ((ConvLayer(3, kernel=5),), (6, 6, 2), "height"),
    ],
)
def test_a_discriminator_of_pairs(layers, size, joined):
    how = {"initializer": "xavier", "spectral_norm": True, "joined": joined}
    sizes = (size, size)
    D = trained(Discriminator(layers, inputs=sizes, rngs=nnx.Rngs(0), **how))
    of_xx = both(lambda x, y: features_of_pairs(D, x, y)[0], lambda x, y: D.features(x, x), *sizes)
    of_xy = both(lambda x, y: features_of_pairs(D, x, y)[1], D.features, *sizes)
    alone = both(lambda x, y: features(D, x, y), D.features, *sizes)
    judged = both(lambda x, y: logit(D, x, y), D, *sizes)
    for found, expected in (of_xx, of_xy, alone, judged):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_the_check_would_see_an_error():
    module = trained(Stack((DenseLayer(6, "relu"),), inputs=(4,), rngs=nnx.Rngs(0)))
    other = trained(Stack((DenseLayer(6, "tanh"),), inputs=(4,), rngs=nnx.Rngs(0)))
    found, expected = both(lambda x: stack(module, x), other, (4,))
    assert not np.allclose(found, expected, rtol=1e-2)
