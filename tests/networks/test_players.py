"""The players of every preset: sizes as in the sources, with and without games, same key same."""

from __future__ import annotations

from dataclasses import fields

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from alad.networks import PRESETS, Architecture, Players

KEY = jax.random.key(4)
ALAD, ALICE, BIGAN = ("xz", "xx", "zz"), ("xz", "xx"), ("xz",)
X_DIM = 7


def players(preset, games=ALAD, *, x_dim=X_DIM, spectral_norm=False, key=KEY):
    p = PRESETS[preset]
    return Players(p.architecture_for(x_dim), x_dim, p.latent_dim, games, spectral_norm)(key)


def widths(stack):
    """(inputs, units) of each layer, as text: 121>64 or, of two inputs, 121+32>64."""
    return " ".join(
        "+".join(str(k[...].shape[0]) for k in block.dense.kernels)
        + f">{block.dense.bias[...].shape[0]}"
        for block in stack.blocks
    )


# Each network's layers, from the released code (kdd_utilities.py, arrhythmia_utilities.py).
SIZES = {
    "kdd99": {
        "x": 121,
        "E": "121>64 64>32",
        "G": "32>64 64>128 128>121",
        "xz of x": "121>128",
        "xz of z": "32>128",
        "xz joint": "128+128>128",
        "xx": "121+121>128",
        "zz": "32+32>32",
    },
    "arrhythmia": {
        "x": 274,
        "E": "274>256 256>128 128>64",
        "G": "64>128 128>256 256>274",
        "xz of x": "274>128",
        "xz of z": "64>128",
        "xz joint": "128+128>256",
        "xx": "274+274>256 256>128",
        "zz": "64+64>64 64>32",
    },
}
SIZES["tabular"] = {
    "x": 121,
    "E": "121>128 128>32",
    "G": "32>128 128>128 128>121",
    "xz of x": "121>128",
    "xz of z": "32>128",
    "xz joint": "128+128>128",
    "xx": "121+121>128 128>128",
    "zz": "32+32>32",
}


@pytest.mark.parametrize("preset", PRESETS)
def test_the_networks_have_the_sources_sizes(preset):
    sizes = SIZES[preset]
    built = players(preset, x_dim=sizes["x"])
    A, D = built["A"], built["D"]
    assert sizes == {
        "x": sizes["x"],
        "E": widths(A.E),
        "G": widths(A.G),
        "xz of x": widths(D["xz"].of_x),
        "xz of z": widths(D["xz"].of_z),
        "xz joint": widths(D["xz"].joint),
        "xx": widths(D["xx"].hidden),
        "zz": widths(D["zz"].hidden),
    }
    for game in ALAD:
        last = D[game].joint if game == "xz" else D[game].hidden
        assert D[game].logit.kernels[0][...].shape == (last.width, 1)


@pytest.mark.parametrize("preset", ["kdd99", "arrhythmia"])
def test_layers_are_as_in_the_sources(preset):
    of = PRESETS[preset].architecture_for(121)
    assert {layer.activation for layer in of.encoder[:-1]} == {"leaky_relu"}
    assert {layer.activation for layer in of.generator[:-1]} == {"relu"}
    assert of.encoder[-1].activation == of.generator[-1].activation == "linear"
    assert all(layer.batch_norm for layer in of.xz_of_x)
    rates = {"xz_of_x": 0.0, "xz_of_z": 0.5, "xz_joint": 0.5, "xx": 0.2, "zz": 0.2}
    for name, rate in rates.items():
        assert {layer.dropout for layer in getattr(of, name)} == {rate}
        assert {layer.activation for layer in getattr(of, name)} == {"leaky_relu"}
    assert not any(layer.dropout or layer.batch_norm for layer in of.encoder + of.generator)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("games", [ALAD, ALICE, BIGAN])
@pytest.mark.parametrize("spectral_norm", [False, True])
def test_every_preset_builds_with_and_without_games(preset, games, spectral_norm):
    built = players(preset, games, spectral_norm=spectral_norm)
    A, D = built["A"], built["D"]
    assert sorted(D) == sorted(games)
    n = 3
    x = jnp.ones((n, X_DIM))
    z = A.sample_z(KEY, n)
    assert (A.E(x).shape, A.G(z).shape) == (z.shape, x.shape)
    for game in games:
        pair = {"xz": (x, z), "xx": (x, x), "zz": (z, z)}[game]
        assert D[game](*pair).shape == (n,)
        assert D[game].features(*pair).shape == (n, D[game].logit.kernels[0][...].shape[0])


def spectral_blocks(network):
    """For each layer of a description, in turn: should it have a vector u, and does it."""
    return [block.dense.u is not None for block in network.blocks]


@pytest.mark.parametrize("preset", PRESETS)
def test_spectral_norm_reaches_the_marked_layers_only(preset):
    of = PRESETS[preset].architecture_for(121)
    for on in (False, True):
        built = players(preset, spectral_norm=on)
        A, D = built["A"], built["D"]
        stacks = {
            "encoder": A.E,
            "generator": A.G,
            "xz_of_x": D["xz"].of_x,
            "xz_of_z": D["xz"].of_z,
            "xz_joint": D["xz"].joint,
            "xx": D["xx"].hidden,
            "zz": D["zz"].hidden,
        }
        assert set(stacks) == {f.name for f in fields(Architecture)} - {"initializer", "xx_joined"}
        for name, stack in stacks.items():
            marked = [layer.spectral for layer in getattr(of, name)]
            assert marked == [name not in ("encoder", "generator")] * len(marked)
            assert spectral_blocks(stack) == [on and mark for mark in marked]
        assert all(D[game].logit.u is None for game in ALAD)


def test_the_prior_is_standard_normal():
    z = np.asarray(players("kdd99")["A"].sample_z(KEY, 20_000))
    assert z.shape == (20_000, 32)
    assert abs(z.mean()) < 0.005
    assert z.std() == pytest.approx(1, abs=0.005)


def leaves(built):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(nnx.state(built, nnx.Param))]


def test_the_same_key_gives_the_same_weights():
    first, same = players("kdd99"), players("kdd99")
    other = players("kdd99", key=jax.random.key(5))
    for player in "AD":
        a, b, c = (leaves(built[player]) for built in (first, same, other))
        assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
        assert all(not np.array_equal(x, y) for x, y in zip(a, c, strict=True) if x.ndim == 2)


def test_no_two_layers_start_alike():
    kernels = [k for player in players("kdd99").values() for k in leaves(player) if k.ndim == 2]
    firsts = [round(float(kernel[0, 0] / np.abs(kernel).max()), 5) for kernel in kernels]
    assert len(set(firsts)) == len(firsts)


def test_equal_descriptions_are_equal_values():
    of = PRESETS["kdd99"].architecture
    assert Players(of, 5, 3, ALAD, True) == Players(of, 5, 3, ALAD, True)
    assert hash(Players(of, 5, 3, ALAD, True)) == hash(Players(of, 5, 3, ALAD, True))
    assert Players(of, 5, 3, ALAD, True) != Players(of, 5, 3, ALICE, True)
