"""Which code a number came from: a digest of all that a detector is made of.

Comments, docstrings and layout do not count, and neither does code that the detector does not
reach: a result stays valid when another detector is added or a page is reworded.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.util import resolve_name
from pathlib import Path
from typing import Any

from alad.estimators import DETECTORS

PACKAGE = Path(__file__).resolve().parents[1]


@cache
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
    names = _names(path.read_text("utf-8"), package)
    return (name for name in names if name.startswith("alad.") and _is_module(name))


@cache  # detectors share most of their modules
def _names(source: str, package: str) -> tuple[str, ...]:
    """What a source imports: modules, and names of theirs that may be modules too."""
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            names += (base, *(f"{base}.{name.name}" for name in node.names))
    return tuple(names)


def _file(module: str) -> Path:
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _is_module(name: str) -> bool:
    return _file(name).is_file()


@cache
def _bare(source: str) -> str:
    """The source without comments, docstrings and layout, the same in every version of Python.

    Two versions do not always agree on how :func:`ast.unparse` and :func:`ast.dump` put it.
    """
    return ascii(_nested(ast.parse(source)))


def _nested(syntax: Any) -> Any:
    """Give syntax as tuples and lists, without what is empty."""
    if isinstance(syntax, list):
        return [_nested(part) for part in syntax if not _is_docstring(part)]
    if isinstance(syntax, ast.AST):
        fields = [(name, part) for name, part in ast.iter_fields(syntax) if part not in (None, [])]
        return type(syntax).__name__, [(name, _nested(part)) for name, part in fields]
    return syntax


def _is_docstring(syntax: Any) -> bool:
    """Whether it is a text that stands by itself, as below a definition or an attribute."""
    return (
        isinstance(syntax, ast.Expr)
        and isinstance(syntax.value, ast.Constant)
        and isinstance(syntax.value.value, str)
    )
