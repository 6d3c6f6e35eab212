"""Which code a number came from: a digest of all that a detector is made of.

Comments, docstrings and layout do not count, and neither does code that the detector does not
reach: a result stays valid when another detector is added or a page is reworded.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import resolve_name
from pathlib import Path

import alad
from alad.estimators import DETECTORS

PACKAGE = Path(alad.__file__).parent


@lru_cache
def code_digest(detector: str) -> str:
    """Twelve hexadecimal digits, equal exactly where detector and data are computed alike.

    >>> code_digest("Mahalanobis") == code_digest("ALAD")
    False
    """
    roots = (DETECTORS[detector].__module__, "alad.datasets", "alad.metrics")
    digest = hashlib.sha256()
    for module in sorted(_reached(roots)):
        digest.update(f"{module}\n{_bare(_file(module).read_text('utf-8'))}\n".encode())
    return digest.hexdigest()[:12]


def _reached(roots: tuple[str, ...]) -> set[str]:
    """Every module of alad that these import, directly or not."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += _imported(module)
    return found


def _imported(module: str) -> Iterator[str]:
    path = _file(module)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            names = [base, *(f"{base}.{name.name}" for name in node.names)]
        else:
            continue
        yield from (name for name in names if name.startswith("alad.") and _is_module(name))


def _file(module: str) -> Path:
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _is_module(name: str) -> bool:
    return _file(name).is_file()


def _bare(source: str) -> str:
    """The source without comments, docstrings and layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node, clean=False
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)
