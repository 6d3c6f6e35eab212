"""Networks as arrays: what a player carries from step to step, and how it comes to life again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax import Array

Networks = Mapping[str, Any]
Build = Callable[[Array], dict[str, nnx.Module]]


class Learner(NamedTuple):
    """One player of one seed: its weights and all that belongs to them.

    ``buffers`` are what is kept but not learned by gradient: batch statistics and the vectors
    of spectral normalisation. ``ema`` is the moving average of ``params``.
    """

    params: Any
    buffers: Any
    optimiser: Any
    ema: Any


class Blueprint(NamedTuple):
    """All of a network that is not an array to be trained."""

    graph: Any
    randomness: Any


def blueprints(build: Build) -> dict[str, Blueprint]:
    """Read the structure of each player off one that is traced, so no weight is ever made."""
    graphs = {}

    def randomness(key: Array) -> dict[str, Any]:
        parts = {name: _apart(network) for name, network in build(key).items()}
        graphs.update({name: graph for name, (graph, *_) in parts.items()})
        return {name: own for name, (_, own, *_) in parts.items()}

    own = jax.jit(randomness)(jax.random.key(0))
    return {name: Blueprint(graph, own[name]) for name, graph in graphs.items()}


def newborn(
    build: Build, optimiser: optax.GradientTransformation, key: Array
) -> dict[str, Learner]:
    """Build every player from ``key``, ready for its first step."""
    learners = {}
    for name, network in build(key).items():
        _, _, params, buffers = _apart(network)
        # A copy: the moving average must not share memory that a step may reuse.
        ema = jax.tree.map(jnp.copy, params)
        learners[name] = Learner(params, buffers, optimiser.init(params), ema)
    return learners


def alive(
    blueprint: Blueprint,
    params: Any,
    buffers: Any,
    *,
    dropout: Array | None = None,
    precision: str = "float32",
) -> nnx.Module:
    """Put a network together again: in training mode with a dropout key, else to evaluate.

    Layers that know a ``precision`` take the operands of their products in that.

    What the network may write to while it runs is copied: the caller's arrays stay as they are.
    """
    own_randomness, own_buffers = jax.tree.map(lambda a: a, (blueprint.randomness, buffers))
    network: nnx.Module = nnx.merge(blueprint.graph, own_randomness, params, own_buffers)
    if dropout is None:
        network.eval()  # type: ignore[no-untyped-call]
    else:
        nnx.reseed(network, dropout=dropout)
    network.set_attributes(precision=precision, raise_if_not_found=False)
    return network


def buffers_of(network: nnx.Module) -> Any:
    """Give what a network has gathered while it ran, other than weights."""
    return _apart(network)[3]


def _apart(network: nnx.Module) -> tuple[Any, Any, Any, Any]:
    parts: Any = nnx.split(network, nnx.Param, nnx.RngState, ...)
    graph, params, randomness, buffers = parts
    return graph, randomness, params, buffers
