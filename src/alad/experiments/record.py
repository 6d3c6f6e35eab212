"""A measured result as a file: what was run, on what, with which versions, and what came out.

Everything a reader needs to judge or repeat a number, and nothing about who ran it where: no
host name, no user, no path.
"""

from __future__ import annotations

import json
import math
import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

from alad._files import written_aside
from alad.training import cores

PACKAGES = ("alad", "jax", "jaxlib", "flax", "optax", "numpy", "scikit-learn", "torch", "pyod")


def record(
    name: str,
    payload: Mapping[str, Any],
    *,
    command: str,
    seeds: Sequence[int],
    folder: Path,
) -> Path:
    """Write ``folder/name.json`` whole or not at all, and return its path.

    Parameters
    ----------
    name
        The file's name without ``.json``.
    payload
        The result itself. NumPy values become plain ones, and what is not finite becomes null.
    command
        What to type to get the result again.
    seeds
        Every seed that the result rests on; empty if there is none.
    folder
        Where to write; made if missing.

    Raises
    ------
    OutputError
        The file could not be written. A file of that name from before is still whole.
    """
    content = {
        "name": name,
        "command": command,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(),
        "git": commit(),
        "seeds": list(seeds),
        "payload": payload,
    }
    path = folder / f"{name}.json"
    text = json.dumps(plain(content), indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    with written_aside(path) as aside:
        aside.write_text(text, encoding="utf-8")
    return path


def plain(value: Any) -> Any:
    """``value`` in what JSON knows: dicts, lists, strings, booleans, finite numbers, None."""
    if hasattr(value, "tolist"):  # arrays and scalars of NumPy and JAX
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def machine() -> dict[str, Any]:
    """Processor, cores this process may use, memory in GiB, accelerator, system and Python."""
    return {
        "cpu": cpu_model(),
        "instructions": instructions(),
        "cores": cores(),
        **accelerator(),
        "memory_gib": memory_gib(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def accelerator() -> dict[str, Any]:
    """What JAX computes on where that is no CPU, and how exact its products are asked to be.

    None for exactness means the device's own choice, which on recent GPUs is TF32.
    """
    device = jax.devices()[0]
    if device.platform == "cpu":
        return {}
    return {
        "accelerator": device.device_kind,
        "matmul_precision": jax.config.values["jax_default_matmul_precision"],
    }


def cpu_model() -> str | None:
    """The processor's own name where the system tells it, else its architecture."""
    return _of_processor("model name") or platform.processor() or None


def instructions() -> str | None:
    """The widest of AVX's instructions that JAX uses here; other ones round sums otherwise.

    None where the system does not tell. ``XLA_FLAGS=--xla_cpu_max_isa=AVX2`` forgoes AVX-512.
    """
    known = set((_of_processor("flags") or "").split())
    bound = re.search(r"--xla_cpu_max_isa=(\w+)", os.environ.get("XLA_FLAGS", ""))
    widths = ("AVX", "AVX2", "AVX512")
    most = widths.index(bound[1]) if bound and bound[1] in widths else len(widths)
    flags = ("avx", "avx2", "avx512f")
    return next((widths[i] for i in (2, 1, 0) if i <= most and flags[i] in known), None)


def _of_processor(fact: str) -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(fact)), None)


def memory_gib() -> float | None:
    """Memory of the machine in GiB; None where the system has no ``sysconf``."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
    return round(total / 2**30, 1)


def versions() -> dict[str, str]:
    """The versions of those packages that are installed."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def commit() -> dict[str, Any] | None:
    """The short commit this file comes from, and whether the code differs from it.

    None where this file is not under version control: an installed package may well lie inside
    somebody else's checkout. Results and documents do not make the code ``dirty``.
    """
    tracked = git("ls-files", "--error-unmatch", Path(__file__).name)
    revision = git("rev-parse", "--short", "HEAD")
    changes = git("status", "--porcelain", "--", ":(top)*.py", ":(top)pyproject.toml")
    if tracked is None or revision is None:
        return None
    return {"commit": revision, "dirty": changes != ""}


def git(*arguments: str) -> str | None:
    """What git answers in this file's folder; None if it fails or is not there."""
    try:
        answer = subprocess.run(
            ("git", *arguments),
            cwd=Path(__file__).parent,
            capture_output=True,
            check=True,
            text=True,
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
