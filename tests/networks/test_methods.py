"""The networks that ALAD is compared with: sizes and settings as in the sources."""

from __future__ import annotations

from copy import deepcopy

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from alad.networks.dagmm import DAGMM_PRESETS, MixturePlayers
from alad.networks.dsebm import DSEBM_PRESETS, EnergyPlayers
from alad.networks.gan import GAN_PRESETS, GanPlayers
from tests.networks.test_players import KEY, widths


def gan(preset, x_dim, key=KEY):
    p = GAN_PRESETS[preset]
    return GanPlayers(p.architecture, x_dim, p.latent_dim)(key)


def dagmm(preset, x_dim, key=KEY):
    return MixturePlayers(DAGMM_PRESETS[preset].architecture, x_dim)(key)["N"]


def dsebm(preset, x_dim, key=KEY):
    return EnergyPlayers(DSEBM_PRESETS[preset].architecture, x_dim)(key)["N"]


GAN_SIZES = {
    "kdd99": (121, "32>64 64>128 128>121", "121>256 256>128 128>128"),
    "arrhythmia": (274, "64>128 128>256 256>274", "274>256 256>128"),
}
DAGMM_SIZES = {
    "kdd99": (121, "121>60 60>30 30>10 10>1", "1>10 10>30 30>60 60>121", "3>10 10>4"),
    "arrhythmia": (274, "274>10 10>2", "2>10 10>274", "4>10 10>2"),
}
DSEBM_SIZES = {"kdd99": (121, "121>128 128>512"), "arrhythmia": (274, "274>10 10>2")}
for sizes in (GAN_SIZES, DAGMM_SIZES, DSEBM_SIZES):
    sizes["tabular"] = sizes["kdd99"]


@pytest.mark.parametrize("preset", GAN_PRESETS)
def test_a_gan_has_the_sources_sizes(preset):
    x_dim, generator, discriminator = GAN_SIZES[preset]
    built = gan(preset, x_dim)
    G, D = built["G"], built["D"]
    assert (list(D), widths(G.of_z), widths(D["x"].hidden)) == (["x"], generator, discriminator)
    assert D["x"].logit.kernels[0][...].shape == (128, 1)
    x = G(G.sample_z(KEY, 3))
    assert (x.shape, D["x"](x).shape, D["x"].features(x).shape) == ((3, x_dim), (3,), (3, 128))


@pytest.mark.parametrize("preset", DAGMM_PRESETS)
def test_dagmm_has_the_sources_sizes(preset):
    x_dim, encoder, generator, estimator = DAGMM_SIZES[preset]
    N = dagmm(preset, x_dim)
    assert (widths(N.E), widths(N.G), widths(N.estimator)) == (encoder, generator, estimator)
    k, d = DAGMM_PRESETS[preset].architecture.components, N.E.width + 2
    assert (N.weights.shape, N.means.shape, N.covariances.shape) == ((k,), (k, d), (k, d, d))
    assert N.membership(jnp.ones((3, d))).shape == (3, k)


@pytest.mark.parametrize("preset", DSEBM_PRESETS)
def test_dsebm_has_the_sources_sizes(preset):
    x_dim, layers = DSEBM_SIZES[preset]
    N = dsebm(preset, x_dim)
    assert (widths(N.h), N.b.shape) == (layers, (x_dim,))


def described(layers):
    return [(layer.activation, layer.dropout) for layer in layers]


def test_layers_are_as_in_the_sources():
    of = {name: preset.architecture for name, preset in GAN_PRESETS.items()}
    assert described(of["kdd99"].discriminator) == [("leaky_relu", 0.2)] * 3
    assert described(of["arrhythmia"].discriminator) == [("leaky_relu", 0.2), ("leaky_relu", 0.5)]
    for preset in of.values():
        assert described(preset.generator) == [("relu", 0), ("relu", 0), ("linear", 0)]
    for preset in DAGMM_PRESETS.values():
        of = preset.architecture
        for stack in (of.encoder, of.generator):
            assert described(stack) == [("tanh", 0)] * (len(stack) - 1) + [("linear", 0)]
        assert described(of.estimator) == [("tanh", 0.5)]
    for preset in DSEBM_PRESETS.values():
        assert described(preset.architecture.layers) == [("softplus", 0)] * 2


@pytest.mark.parametrize(
    ("preset", "batch_size", "learning_rate", "epochs"),
    [
        (GAN_PRESETS["kdd99"], 50, 1e-5, 100),
        (GAN_PRESETS["arrhythmia"], 32, 1e-5, 1000),
        (DAGMM_PRESETS["kdd99"], 1024, 1e-4, 200),
        (DAGMM_PRESETS["arrhythmia"], 128, 1e-4, 10_000),
        (DSEBM_PRESETS["kdd99"], 100, 1e-4, 100),
        (DSEBM_PRESETS["arrhythmia"], 26, 1e-4, 1000),
    ],
)
def test_settings_are_the_sources(preset, batch_size, learning_rate, epochs):
    assert (preset.batch_size, preset.learning_rate) == (batch_size, learning_rate)
    assert (preset.epochs, preset.min_steps, preset.beta1) == (epochs, 0, 0.5)


def test_the_probes_are_a_fixed_draw_from_the_prior():
    G, same, other = (gan("kdd99", 5, jax.random.key(s))["G"] for s in (1, 1, 2))
    probes = np.asarray(G.probes[...])
    assert probes.shape == (2048, 32)
    assert abs(probes.mean()) < 0.02
    assert probes.std() == pytest.approx(1, abs=0.01)
    assert np.array_equal(probes, same.probes[...])
    assert not np.array_equal(probes, other.probes[...])
    assert "probes" not in nnx.state(G, nnx.Param)


def test_a_mixture_is_counted_and_not_learned_by_gradient():
    assert set(nnx.state(dagmm("kdd99", 5), nnx.Param)) == {"E", "G", "estimator"}
    N = dagmm("kdd99", 5)
    assert np.asarray(N.weights[...]) == pytest.approx(0.25)
    assert np.array_equal(N.covariances[...], np.tile(np.eye(3), (4, 1, 1)))


@pytest.mark.parametrize("build", [gan, dagmm, dsebm])
def test_the_same_key_gives_the_same_weights(build):
    def kernels(seed):
        state = nnx.state(build("kdd99", 5, jax.random.key(seed)), nnx.Param)
        return [np.asarray(leaf) for leaf in jax.tree.leaves(state) if leaf.ndim == 2]

    assert len(kernels(0)) >= 2
    assert all(map(np.array_equal, kernels(0), kernels(0)))
    assert not any(map(np.array_equal, kernels(0), kernels(1)))


@pytest.mark.parametrize(
    ("players", "presets", "dims"),
    [
        (GanPlayers, GAN_PRESETS, (5, 3)),
        (MixturePlayers, DAGMM_PRESETS, (5,)),
        (EnergyPlayers, DSEBM_PRESETS, (5,)),
    ],
)
def test_equal_descriptions_are_equal_values(players, presets, dims):
    of = presets["kdd99"].architecture
    assert players(of, *dims) == players(deepcopy(of), *dims)
    assert hash(players(of, *dims)) == hash(players(deepcopy(of), *dims))
    assert players(of, *dims) != players(presets["arrhythmia"].architecture, *dims)
