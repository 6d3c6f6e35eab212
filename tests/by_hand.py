"""Networks and densities in NumPy and double precision, which tests hold ours against."""

from __future__ import annotations

import jax
import numpy as np
from flax import nnx
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm

from alad.estimators._programs import weights_by_name


def softplus(h):
    return np.logaddexp(0, h)


ACTIVATION = {
    "linear": lambda h: h,
    "relu": lambda h: np.maximum(h, 0),
    "leaky_relu": lambda h: np.where(h > 0, h, 0.2 * h),
    "tanh": np.tanh,
    "softplus": softplus,
}


class ByHand:
    """The layers of named weights, in evaluation mode."""

    def __init__(self, named):
        self.w = {name: array.astype(np.float64) for name, array in named.items()}

    def kernel(self, name):
        kernels = [v for k, v in sorted(self.w.items()) if k.startswith(f"{name}.kernels.")]
        W = np.concatenate(kernels)
        if f"{name}.u" not in self.w:
            return W
        u = self.w[f"{name}.u"]
        v = W @ u / np.linalg.norm(W @ u)
        return W / (v @ W @ u)

    def dense(self, name, h):
        return h @ self.kernel(name) + self.w[f"{name}.bias"]

    def norm(self, name, h):
        w = {part: self.w.get(f"{name}.{part}") for part in ("mean", "var", "scale", "bias")}
        if w["mean"] is None:
            return h
        return (h - w["mean"]) / np.sqrt(w["var"] + 1e-3) * w["scale"] + w["bias"]

    def stack(self, name, layers, h):
        for i, layer in enumerate(layers):
            h = self.dense(f"{name}.blocks.{i}.dense", h)
            h = ACTIVATION[layer.activation](self.norm(f"{name}.blocks.{i}.norm", h))
        return h


def eval_networks(players, seed=0):
    """Networks in evaluation mode, with biases that are not zero; and the same by hand."""
    networks, rng = players(jax.random.key(seed)), np.random.default_rng(seed)

    def shaken(a):
        return a + rng.normal(0, 0.3, a.shape).astype(np.float32)

    weights = {}
    for name, network in networks.items():
        nnx.update(network, jax.tree.map(shaken, nnx.state(network, nnx.Param)))
        network.eval()
        _, params, _, buffers = nnx.split(network, nnx.Param, nnx.RngState, ...)
        weights[name] = params, buffers
    return networks, ByHand(weights_by_name(weights))


def kernel_log_density(x, sample):
    """A product of normal kernels at every row of the sample, Scott's rule in each dimension."""
    x, sample = np.float64(x), np.float64(sample)
    n, d = sample.shape
    variance = sample.var(axis=0)
    h = n ** (-1 / (d + 4)) * np.sqrt(variance + 1e-3 * variance.mean())
    return logsumexp(norm.logpdf(x[:, None], sample, h).sum(axis=2), axis=1) - np.log(n)


def mixture(z, membership):
    """Weights, means and covariances of the components of weighted rows, one by one."""
    means, covariances = [], []
    for share in membership.T:
        means.append(np.average(z, axis=0, weights=share))
        covariances.append(np.cov(z, rowvar=False, aweights=share, ddof=0))
    return membership.mean(axis=0), np.array(means), np.array(covariances)


def mixture_energy(z, weights, means, covariances):
    """-log of the density of a Gaussian mixture, its variances raised as ours are."""
    terms = []
    for weight, mean, covariance in zip(weights, means, covariances, strict=True):
        raised = covariance + np.diag(1e-6 + 1e-4 * np.diag(covariance))
        terms.append(np.log(weight) + multivariate_normal(mean, raised).logpdf(z))
    return -logsumexp(terms, axis=0)
