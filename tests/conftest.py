"""What all tests share: how JAX compiles, and tables small enough to look at.

A fit compiles one program for each shape of table, and that takes far longer than the few
steps that a test then makes. Four things keep it short: XLA's optimisation passes are off, in
doctests too, and its newer way of fusing operations, which doubles the time (same
mathematics, slower steps); a program is compiled in one piece, since the other cores have tests of
their own; and what was compiled is kept in pytest's cache folder for the next run. A test that
really trains, or asks how users' programs round, compiles as users do, by the fixture
``optimised``.
"""

from __future__ import annotations

import os
from importlib.metadata import version

import jax
import numpy as np
import pytest
from jax._src import compiler  # no public function gives one program an option of XLA's

from alad.preprocessing.kinds import times

SLOW_PROGRAMS = "jax_disable_most_optimizations"
QUICKLY: dict[str, bool | int] = {"xla_cpu_parallel_codegen_split_count": 1}
if version("jaxlib") < "0.11":  # later releases know only the one way to fuse
    QUICKLY["xla_cpu_use_fusion_emitters"] = False


def pytest_configure(config):
    options = compiler.get_compile_options

    def quick_if_asked(*args, env_options_overrides=None, **kwargs):
        quick = QUICKLY if jax.config.read(SLOW_PROGRAMS) else {}
        given = {**quick, **(env_options_overrides or {})}
        return options(*args, env_options_overrides=given or None, **kwargs)

    compiler.get_compile_options = quick_if_asked
    jax.config.update(SLOW_PROGRAMS, True)
    if hasattr(config, "cache"):
        jax.config.update("jax_compilation_cache_dir", str(config.cache.mkdir("jax")))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
        # A cache that another run is writing to, or was killed over, costs time and no more.
        config.addinivalue_line("filterwarnings", "ignore:Error (read|writ)ing persistent comp")


@pytest.fixture
def optimised():
    """Compile as users do, for tests that make thousands of steps."""
    jax.config.update(SLOW_PROGRAMS, False)
    yield
    jax.config.update(SLOW_PROGRAMS, True)


@pytest.fixture
def any_span(monkeypatch):
    """Learn hour and weekday of however few times, for tests of how times are read."""
    monkeypatch.setattr(times, "ENOUGH", dict.fromkeys(times.ENOUGH, times.Enough(0, 0)))


@pytest.fixture
def table():
    """Sixty rows of five columns around a plane, float64."""
    rng = np.random.default_rng(3)
    return rng.normal(size=(60, 2)) @ rng.normal(size=(2, 5)) + 0.1 * rng.normal(size=(60, 5))


@pytest.fixture
def no_permission(monkeypatch):
    """Refuse new folders, as a place does that one may not write to (root may write anywhere)."""

    def refuse(path, *args, **kwargs):
        raise PermissionError(13, os.strerror(13), str(path))

    monkeypatch.setattr(os, "mkdir", refuse)
