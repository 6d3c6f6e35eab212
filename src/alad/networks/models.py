"""The players: the autoencoder A = (E, G) and the discriminators D, built from an architecture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from alad.networks.layers import Dense, DenseBlock, Layer, Size, Stack, flat
from alad.networks.memory import Memory
from alad.networks.presets import Architecture, Joined
from alad.networks.weights import Initializer


class Autoencoder(nnx.Module):
    """E: x -> z and G: z -> x, the player that learns to be taken for real.

    Attributes
    ----------
    E, G : Stack
    latent_dim : int
        The width of z; its prior is N(0, I).
    """

    def __init__(
        self,
        architecture: Architecture,
        data_dim: Size,
        latent_dim: int,
        *,
        rngs: nnx.Rngs,
        spectral_norm: bool,
    ) -> None:
        init = architecture.initializer
        self.latent_dim = latent_dim
        self.E = Stack(
            architecture.encoder,
            inputs=(data_dim,),
            outputs=latent_dim,
            rngs=rngs,
            initializer=init,
            spectral_norm=spectral_norm,
        )
        self.G = Stack(
            architecture.generator, inputs=latent_dim, outputs=data_dim, rngs=rngs, initializer=init
        )

    def sample_z(self, key: Array, n: int) -> Array:
        """Draw n latent vectors from the prior, shape (n, latent_dim)."""
        return jax.random.normal(key, (n, self.latent_dim))


class Discriminator(nnx.Module):
    """D(a, b): the logit that a pair is real, D_xx and D_zz; or D(x), of a row alone.

    ``features`` gives the layer before the logit, the f of the anomaly score.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        inputs: Sequence[Size],
        rngs: nnx.Rngs,
        initializer: Initializer,
        spectral_norm: bool = False,
        joined: Joined = "features",
    ) -> None:
        self.joined = joined
        if joined == "height":
            inputs = [_above_each_other(inputs)]
        self.hidden = Stack(
            layers, inputs=inputs, rngs=rngs, initializer=initializer, spectral_norm=spectral_norm
        )
        self.logit = Dense((self.hidden.width,), 1, rngs=rngs, initializer=initializer)

    def features(self, *inputs: Array) -> Array:
        """f(a, b): activations of the last hidden layer, shape (n, width)."""
        if self.joined == "height":
            inputs = (jnp.concatenate(inputs, axis=1),)
        return flat(self.hidden(*inputs))

    def features_of_pairs(self, x: Array, y: Array) -> tuple[Array, Array]:
        """f(x, x) and f(x, y), with what a dense first layer has in common computed once."""
        first = self.hidden.blocks[0]
        if not isinstance(first, DenseBlock):
            return self.features(x, x), self.features(x, y)
        of_xx, of_xy = map(first.after_map, first.dense.of_pairs(flat(x), flat(y)))
        return self.hidden.after_first(of_xx), self.hidden.after_first(of_xy)

    def __call__(self, *inputs: Array) -> Array:
        return self.logit(self.features(*inputs))[:, 0]


def _above_each_other(sizes: Sequence[Size]) -> Size:
    """The size of pictures that are stacked along their height."""
    shapes = [size for size in sizes if not isinstance(size, int)]
    return (sum(height for height, _, _ in shapes), *shapes[0][1:])


class JointDiscriminator(nnx.Module):
    """D_xz(x, z): each argument has an arm of its own before they meet."""

    def __init__(
        self,
        architecture: Architecture,
        data_dim: Size,
        latent_dim: int,
        *,
        rngs: nnx.Rngs,
        spectral_norm: bool,
    ) -> None:
        init = architecture.initializer

        def stack(layers: Sequence[Layer], inputs: Sequence[Size]) -> Stack:
            return Stack(
                layers, inputs=inputs, rngs=rngs, initializer=init, spectral_norm=spectral_norm
            )

        self.of_x = stack(architecture.xz_of_x, (data_dim,))
        self.of_z = stack(architecture.xz_of_z, (latent_dim,))
        self.joint = stack(architecture.xz_joint, (self.of_x.shape, self.of_z.shape))
        self.logit = Dense((self.joint.width,), 1, rngs=rngs, initializer=init)

    def features(self, x: Array, z: Array) -> Array:
        """Activations of the last hidden layer, shape (n, width)."""
        return self.joint(self.of_x(x), self.of_z(z))

    def __call__(self, x: Array, z: Array) -> Array:
        return self.logit(self.features(x, z))[:, 0]


@dataclass(frozen=True)
class Players:
    """How to build {"A": autoencoder, "D": discriminators of the games that are played}.

    A value: two that are equal build the same networks, so what was compiled for one serves
    the other. Call it with a key to get fresh networks.

    ``memory`` is how many normal rows are kept beside the networks, "M", once they are trained, and
    ``cells`` how many cells these make.
    """

    architecture: Architecture
    data_dim: Size
    latent_dim: int
    games: tuple[str, ...]
    spectral_norm: bool
    memory: int = 0
    cells: int = 0

    def __call__(self, key: Array) -> dict[str, nnx.Module]:
        """Build both players with weights drawn from ``key``, and an empty memory."""
        rngs = nnx.Rngs(params=key, dropout=0)
        D = {game: self._discriminator(game, rngs) for game in self.games}
        A = Autoencoder(
            self.architecture,
            self.data_dim,
            self.latent_dim,
            rngs=rngs,
            spectral_norm=self.spectral_norm,
        )
        players: dict[str, nnx.Module] = {"A": A, "D": nnx.Dict(D)}
        if self.memory:
            assert isinstance(self.data_dim, int)
            players["M"] = Memory(self.memory, self.data_dim, self.cells)
        return players

    def _discriminator(self, game: str, rngs: nnx.Rngs) -> nnx.Module:
        if game == "xz":
            return JointDiscriminator(
                self.architecture,
                self.data_dim,
                self.latent_dim,
                rngs=rngs,
                spectral_norm=self.spectral_norm,
            )
        layers, size, joined = self._of_pairs(game)
        return Discriminator(
            layers,
            inputs=(size, size),
            rngs=rngs,
            initializer=self.architecture.initializer,
            spectral_norm=self.spectral_norm,
            joined=joined,
        )

    def _of_pairs(self, game: str) -> tuple[Sequence[Layer], Size, Joined]:
        a = self.architecture
        if game == "xx":
            return a.xx, self.data_dim, a.xx_joined
        return a.zz, self.latent_dim, "features"
