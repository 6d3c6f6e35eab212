"""What is compiled to judge rows: scores in blocks of one size, and weights by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array
from numpy.typing import NDArray

from alad.errors import ModelFormatError
from alad.estimators._given import distinct
from alad.networks import Size
from alad.networks.memory import Derived, Kept
from alad.training import alive, blueprints, cores

BLOCK = 256  # rows that go through the networks at once: they stay in a core's own cache
BLOCKS = 64  # blocks of one call
WINDOW = 2**24  # numbers: some hundred thousand rows of a table
BLOCK_OF_PICTURES, BLOCKS_OF_PICTURES = 32, 4  # each is as large as hundreds of rows

Weights = Mapping[str, tuple[Any, Any]]
Program = Callable[[Weights, NDArray[Any], int], Array]


class Players(Protocol):
    """How to build networks: a value, so that equal ones share what is compiled."""

    @property
    def data_dim(self) -> Size:
        """Width of a row, or the shape of a picture."""

    def __call__(self, key: Array) -> dict[str, nnx.Module]:
        """Build the networks with weights drawn from ``key``."""

    def __hash__(self) -> int: ...


class Judge(Protocol):
    """What networks say of rows, one value or one vector for each: a value, as players are."""

    def __call__(self, networks: Any, x: Array, /) -> Array:
        """Judge rows x, shape (n, ...); returns (n, ...)."""

    def __hash__(self) -> int: ...


@lru_cache(maxsize=32)
def program(players: Players, judge: Judge) -> Program:
    """Compile a judge over the first ``used`` of several blocks of rows, (blocks, rows, ...)."""
    plans = blueprints(players)

    def of_blocks(weights: Weights, blocks: Array, used: Array) -> Array:
        networks = {name: alive(plans[name], *own) for name, own in weights.items()}

        def judged(i: Array, results: Array) -> Array:
            return results.at[i].set(judge(networks, blocks[i]))

        one = jax.eval_shape(lambda x: judge(networks, x), blocks[0])
        nothing = jnp.zeros((len(blocks), *one.shape), one.dtype)
        results: Array = jax.lax.fori_loop(0, used, judged, nothing)
        return results

    # Several calls run side by side, a core each, so none of them is to spread over the cores.
    compiled: Program = jax.jit(of_blocks, compiler_options={"xla_cpu_multi_thread_eigen": False})
    return compiled


def in_blocks(run: Program, weights: Weights, x: NDArray[Any]) -> NDArray[Any]:
    """Run a program over rows, shape (n, ...).

    All blocks have the same size, the last one filled up with zeros, so that a row's result
    does not depend on how many rows come with it; those that hold no row are not run.
    """
    blocks, rows = blocks_for(x)
    if len(x) <= rows:
        blocks = 1
    size = blocks * rows
    out = []
    for start in range(0, len(x), size):
        part = x[start : start + size]
        if len(part) < size:
            part = np.concatenate([part, np.zeros((size - len(part), *x.shape[1:]), np.float32)])
        used = -(-min(len(x) - start, size) // rows)
        found = np.asarray(run(weights, part.reshape(blocks, rows, *x.shape[1:]), used))
        out.append(found.reshape(size, *found.shape[2:])[: len(x) - start])
    return np.concatenate(out)


def blocks_for(x: NDArray[Any]) -> tuple[int, int]:
    """How many blocks one call takes, and how many rows are in a block."""
    return (BLOCKS, BLOCK) if x.ndim == 2 else (BLOCKS_OF_PICTURES, BLOCK_OF_PICTURES)


def by_parts(function: Callable[[NDArray[Any]], NDArray[Any]], x: NDArray[Any]) -> NDArray[Any]:
    """Map rows in parts, the cores side by side, in memory that does not grow with the rows."""
    blocks, rows = blocks_for(x)
    # No part is so small that it would be judged by a program of its own, compiled for few rows.
    each = max(2 * rows, -(-len(x) // _threads()))
    parts = np.array_split(x, max(1, len(x) // each)) if each < blocks * rows else _whole(x)
    if len(parts) == 1:
        return function(x)
    with ThreadPoolExecutor(_threads()) as pool:
        return np.concatenate(list(pool.map(function, parts)))


def by_windows(function: Callable[[NDArray[Any]], NDArray[Any]], x: NDArray[Any]) -> NDArray[Any]:
    """Map rows in windows, one after the other: what is made of one goes before the next."""
    rows = max(1, WINDOW // math.prod(x.shape[1:]))
    windows = [x[start : start + rows] for start in range(0, max(len(x), 1), rows)]
    return np.concatenate([function(window) for window in windows])


def each_once(function: Callable[[NDArray[Any]], NDArray[Any]], x: NDArray[Any]) -> NDArray[Any]:
    """Map rows of a table, equal ones once: for what costs far more than to find them.

    An accelerator is done with a row before the processor has looked for its equals.
    """
    if jax.default_backend() != "cpu":
        return function(x)
    first, same = distinct(x)
    return function(x[first])[same] if len(first) < len(x) else function(x)


def _whole(x: NDArray[Any]) -> list[NDArray[Any]]:
    size = math.prod(blocks_for(x))
    return [x[start : start + size] for start in range(0, len(x), size)]


def _threads() -> int:
    """How many threads to judge rows with: one a core, or one that feeds an accelerator."""
    return cores() if jax.default_backend() == "cpu" else 1


def flat(x: NDArray[Any]) -> NDArray[Any]:
    """Rows as vectors, pictures too."""
    return x.reshape(len(x), math.prod(x.shape[1:]))


def weights_by_name(weights: Weights) -> dict[str, NDArray[Any]]:
    """Give every array of the weights a readable name, such as ``A.E.blocks.0.dense.kernels.0``.

    Those that follow from others are left out.
    """
    named = {}
    for player, trees in weights.items():
        for tree in trees:
            for path, variable in nnx.to_flat_state(tree):
                if isinstance(variable, Derived):
                    continue
                array = np.asarray(variable[...])
                name = ".".join(map(str, (player, *path)))
                named[name] = _halved(array) if isinstance(variable, Kept) else array
    return named


def _halved(array: NDArray[Any]) -> NDArray[Any]:
    """Give float32 as float16 where that is exact."""
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    return half if np.array_equal(half.astype(array.dtype), array) else array


def weights_like(players: Players, arrays: Mapping[str, NDArray[Any]]) -> Weights:
    """Fill the skeleton of the players' weights with named arrays.

    Raises
    ------
    ModelFormatError
        An array is missing, left over, or of another shape or type.
    """
    skeleton = jax.eval_shape(players, jax.random.key(0))
    filled, used = {}, set()
    for player, network in skeleton.items():
        parts: Any = nnx.split(network, nnx.Param, nnx.RngState, ...)
        _, params, _, buffers = parts
        trees = []
        for tree in (params, buffers):
            flat = []
            for path, variable in nnx.to_flat_state(tree):
                name = ".".join(map(str, (player, *path)))
                flat.append((path, variable.replace(_fitting(name, variable, arrays))))
                used.add(name)
            trees.append(nnx.from_flat_state(flat))
        filled[player] = (trees[0], trees[1])
    if left := sorted(set(arrays) - used):
        raise ModelFormatError(
            f"Expected no array {left[0]!r} in this model. The settings and the weights do not "
            "belong together: save the model again."
        )
    return filled


def _fitting(name: str, variable: Any, arrays: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    shape, dtype = variable.shape, variable.dtype
    if name not in arrays:
        raise ModelFormatError(
            f"Expected an array {name!r} of shape {shape} in the model; there is none. "
            "The folder is damaged: save the model again."
        )
    found = arrays[name]
    if isinstance(variable, Kept) and found.dtype == np.float16:
        found = found.astype(dtype)
    if found.shape != shape or found.dtype != dtype:
        raise ModelFormatError(
            f"Expected array {name!r} of shape {shape}, {dtype}; got {found.shape}, "
            f"{found.dtype}. The settings and the weights do not belong together."
        )
    if np.isnan(found).any():
        raise ModelFormatError(
            f"Expected numbers in array {name!r}; some are none. The folder is damaged: save the "
            "model again."
        )
    return found
