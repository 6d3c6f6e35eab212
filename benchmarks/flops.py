"""The arithmetic that one training step of ALAD cannot do without, counted from the networks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Dims:
    """Widths of ALAD's dense networks; by default the KDD99 preset."""

    x: int = 121
    z: int = 32
    batch: int = 50
    E: tuple[int, ...] = (64,)
    G: tuple[int, ...] = (64, 128)
    xz_of_x: int = 128
    xz_of_z: int = 128
    xz_joint: int = 128
    xx: int = 128
    zz: int = 32


def dense(*widths: int) -> int:
    """Multiply-adds of a row's way through dense layers of these widths."""
    return sum(n_in * n_out for n_in, n_out in pairwise(widths))


def step_flops(dims: Dims = Dims()) -> int:
    """Floating-point operations in the matrix products of one training step.

    A row that passes forward through a layer of a x b weights costs ab multiply-adds; the
    gradient of the weights costs ab more, and so does the gradient of the layer's input. A
    multiply-add is two operations. Counted is what the step must have:

    - D's move: E(x), G(z), G(E(x)), E(G(z)) forward; the three discriminators forward and
      backward on a real and a forged batch, without gradients of their inputs.
    - E and G's move: the same four forward; D_xz on both of its batches and D_xx, D_zz on the
      forged one (the real pairs depend on neither E nor G), backward only to those inputs that E
      or G made; the four backward, without gradients of x and z.

    Activations, batch norm, dropout, losses, Adam and the averages are left out, so the count is
    a floor.
    """
    x, z = dims.x, dims.z
    E = dense(x, *dims.E, z)
    G = dense(z, *dims.G, x)
    forgeries = 2 * E + 2 * G

    xz_first = x * dims.xz_of_x + z * dims.xz_of_z
    xz = xz_first + dense(dims.xz_of_x + dims.xz_of_z, dims.xz_joint, 1)
    xx_first = 2 * x * dims.xx
    xx = xx_first + dims.xx
    zz_first = 2 * z * dims.zz
    zz = zz_first + dims.zz

    two_batches_each = 2 * (3 * xz - xz_first + 3 * xx - xx_first + 3 * zz - zz_first)
    move_D = forgeries + two_batches_each

    through_D = 2 * xz + xx + zz
    back_to_z = dims.xz_joint * (1 + dims.xz_of_z) + dims.xz_of_z * z
    back_to_x = dims.xz_joint * (1 + dims.xz_of_x) + dims.xz_of_x * x
    back_through_D = back_to_z + back_to_x + dims.xx * (1 + x) + dims.zz * (1 + z)
    # E(G(z)) and G(E(x)) pass the gradient on to their inputs; E(x) and G(z) have no need to.
    back_through_A = 4 * E + 4 * G - dense(x, *dims.E[:1]) - dense(z, *dims.G[:1])
    move_A = forgeries + through_D + back_through_D + back_through_A

    return 2 * dims.batch * (move_D + move_A)
