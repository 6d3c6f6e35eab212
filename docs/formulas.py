"""Formulas of the docstrings as MathML, which browsers draw by themselves: nothing is loaded.

A griffe extension (mkdocs.yml): what stands in docstrings as ``:math:`...``` or under ``.. math::``
is replaced before the page is laid out.
"""

from __future__ import annotations

import re
import textwrap
from typing import Any

import griffe
from latex2mathml.converter import convert

INLINE = re.compile(r":math:`([^`]+)`")
BLOCK = re.compile(
    r"^(?P<indent> *)\.\. math::(?P<first>[^\n]*)(?:\n|\Z)"
    r"(?P<rest>(?:\s*\n|(?P=indent) +[^\n]*\n?)*)",
    re.MULTILINE,
)
ROLE = re.compile(r":(?:class|func|meth|mod|data):`~?([^`]+)`")


def with_mathml(text: str) -> str:
    """Replace the formulas of a docstring; what is no formula stays.

    >>> with_mathml("the norm :math:`x_1` of")[:16]
    'the norm <math x'
    """
    text = BLOCK.sub(_block, text)
    text = INLINE.sub(lambda m: _mathml(m[1], "inline"), text)
    return ROLE.sub(lambda m: f"`{m[1]}`", text)


def _block(match: re.Match[str]) -> str:
    formula = f"{match['first']}\n{textwrap.dedent(match['rest'])}".strip()
    if "&" in formula:
        formula = rf"\begin{{aligned}} {formula} \end{{aligned}}"
    return f"{match['indent']}{_mathml(formula, 'block')}\n\n"


def _mathml(formula: str, display: str) -> str:
    return convert(" ".join(formula.split()), display=display)


class Formulas(griffe.Extension):
    """Rewrite every docstring that is read."""

    def on_object(self, *, obj: Any, **others: Any) -> None:
        """Called with each module, class, function and attribute."""
        if obj.docstring:
            obj.docstring.value = with_mathml(obj.docstring.value)
