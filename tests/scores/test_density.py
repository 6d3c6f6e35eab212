"""The kernel estimate of a density, against SciPy and against what a density must be."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import gaussian_kde, norm

from alad.scores import kernel_density
from tests.by_hand import kernel_log_density

RNG = np.random.default_rng(4)


def rows(n, d, size=1.0):
    return (size * RNG.normal(size=(n, d)) @ RNG.normal(size=(d, d)) + 5).astype(np.float32)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("d", [1, 3, 20])
def test_it_is_the_mean_of_the_kernels(d, size):
    sample = rows(200, d, size)
    x = np.vstack([sample[:5], sample[:5] + size])
    np.testing.assert_allclose(
        kernel_density(x, sample), kernel_log_density(x, sample), rtol=1e-3, atol=2e-3
    )


def test_it_is_scipys_in_one_dimension():
    sample = rows(500, 1)
    x = np.linspace(2, 8, 20, dtype=np.float32)[:, None]
    scipys = gaussian_kde(sample[:, 0]).logpdf(x[:, 0])
    np.testing.assert_allclose(kernel_density(x, sample), scipys, rtol=0.01, atol=0.01)


def test_it_integrates_to_one_and_finds_the_density_that_was_sampled():
    sample = RNG.normal(3, 2, size=(2048, 1)).astype(np.float32)
    x = np.linspace(-20, 26, 2001, dtype=np.float32)
    density = np.exp(np.float64(kernel_density(x[:, None], sample)))
    assert np.trapezoid(density, x) == pytest.approx(1, abs=1e-3)
    assert np.abs(density - norm(3, 2).pdf(x)).max() < 0.02


def test_a_column_that_never_varies_has_a_narrow_kernel():
    sample = np.column_stack([rows(100, 2), np.full(100, 7, np.float32)])
    for x in (sample, sample + np.float32([0, 0, 0.1])):
        ours = np.asarray(kernel_density(x, sample))
        np.testing.assert_allclose(ours, kernel_log_density(x, sample), rtol=1e-3, atol=2e-3)
    assert np.isfinite(kernel_density(sample, np.ones((5, 3), np.float32))).all()
