"""ONNX graphs, written as the formulas that they compute.

A :class:`Tensor` is a name in a :class:`Graph`; an operation on it adds a node. Numbers and arrays
that meet a tensor become constants of the graph:

>>> graph = Graph()
>>> x = graph.input("x", np.float32, 3)
>>> y = total(absolute(2 * x - 1))
>>> [node["op"] for node in graph.nodes]
['Mul', 'Sub', 'Abs', 'ReduceSum']

Only :meth:`Graph.model` needs the package onnx.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from alad.errors import InputError

OPSETS = {"": 18, "ai.onnx.ml": 3}
IR_VERSION = 8  # of 2022, as the opsets are: older runtimes read it too
LARGEST = float(np.finfo(np.float32).max)
ROWS = "rows"  # the name of the first axis of everything that comes in and goes out


class Tensor:
    """A value of the graph: its name, and the type of its numbers."""

    __array_ufunc__ = None  # so that array - tensor comes to us

    def __init__(self, graph: Graph, name: str, dtype: DTypeLike) -> None:
        self.graph, self.name, self.dtype = graph, name, np.dtype(dtype)

    def __add__(self, other: Operand) -> Tensor:
        return apply("Add", self, self._alike(other))

    def __radd__(self, other: Operand) -> Tensor:
        return apply("Add", self._alike(other), self)

    def __sub__(self, other: Operand) -> Tensor:
        return apply("Sub", self, self._alike(other))

    def __rsub__(self, other: Operand) -> Tensor:
        return apply("Sub", self._alike(other), self)

    def __mul__(self, other: Operand) -> Tensor:
        return apply("Mul", self, self._alike(other))

    def __rmul__(self, other: Operand) -> Tensor:
        return apply("Mul", self._alike(other), self)

    def __truediv__(self, other: Operand) -> Tensor:
        return apply("Div", self, self._alike(other))

    def __matmul__(self, other: Operand) -> Tensor:
        return apply("MatMul", self, self._alike(other))

    def __neg__(self) -> Tensor:
        return apply("Neg", self)

    def __lt__(self, other: Operand) -> Tensor:
        return apply("Less", self, self._alike(other), dtype=np.bool_)

    def __gt__(self, other: Operand) -> Tensor:
        return apply("Greater", self, self._alike(other), dtype=np.bool_)

    def __and__(self, other: Tensor) -> Tensor:
        return apply("And", self, other)

    def __or__(self, other: Tensor) -> Tensor:
        return apply("Or", self, other)

    def equals(self, other: Operand) -> Tensor:
        """Where the two are the same."""
        return apply("Equal", self, self._alike(other), dtype=np.bool_)

    def to(self, dtype: DTypeLike) -> Tensor:
        """The same in another type of numbers."""
        wanted = np.dtype(dtype)
        if wanted == self.dtype:
            return self
        return apply("Cast", self, dtype=wanted, to=_element_type(wanted))

    def _alike(self, other: Operand) -> Tensor:
        if isinstance(other, Tensor):
            return other
        return self.graph.constant(np.asarray(other, self.dtype))


Operand = Tensor | ArrayLike


class Graph:
    """Nodes, constants, inputs and outputs, in the order in which they were made."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.constants: dict[str, NDArray[Any]] = {}
        self.inputs: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = {}
        self.outputs: dict[str, np.dtype[Any]] = {}
        self._numbers = count()

    def input(self, name: str, dtype: DTypeLike, *shape: int) -> Tensor:
        """A new input, of as many rows as are given and ``shape`` for each of them."""
        self.inputs[name] = (np.dtype(dtype), shape)
        return Tensor(self, name, dtype)

    def constant(self, values: NDArray[Any]) -> Tensor:
        """An array that is kept in the model."""
        name = self._fresh("constant")
        self.constants[name] = values
        return Tensor(self, name, values.dtype)

    def output(self, name: str, value: Tensor) -> None:
        """Give the graph a result, of one number a row."""
        self._add("Identity", (value,), (name,), {})
        self.outputs[name] = value.dtype

    def apply(
        self, op: str, inputs: Sequence[Tensor], outputs: int, attributes: Mapping[str, Any]
    ) -> tuple[str, ...]:
        """Add a node; gives the names of what comes out of it."""
        names = tuple(self._fresh(op) for _ in range(outputs))
        self._add(op, inputs, names, attributes)
        return names

    def model(self, facts: Mapping[str, str]) -> Any:
        """The whole as an ``onnx.ModelProto``, checked, with facts as its metadata."""
        onnx, helper = needed("onnx"), needed("onnx.helper")
        graph = helper.make_graph(
            [_node(helper, **node) for node in self.nodes],
            "alad",
            [
                helper.make_tensor_value_info(name, _element_type(dtype), (ROWS, *shape))
                for name, (dtype, shape) in self.inputs.items()
            ],
            [
                helper.make_tensor_value_info(name, _element_type(dtype), (ROWS,))
                for name, dtype in self.outputs.items()
            ],
            [
                needed("onnx.numpy_helper").from_array(np.ascontiguousarray(values), name)
                for name, values in self.constants.items()
            ],
        )
        model = helper.make_model(
            graph,
            producer_name="alad",
            producer_version=facts.get("alad", ""),
            ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid(*opset) for opset in OPSETS.items()],
        )
        helper.set_model_props(model, dict(facts))
        onnx.checker.check_model(model, full_check=True)
        return model

    def _add(
        self,
        op: str,
        inputs: Sequence[Tensor],
        outputs: Sequence[str],
        attributes: Mapping[str, Any],
    ) -> None:
        names = [value.name for value in inputs]
        node = {"op": op, "inputs": names, "outputs": list(outputs), "attributes": attributes}
        self.nodes.append(node)

    def _fresh(self, what: str) -> str:
        """A name that no column of a table is likely to have, and none of ours has."""
        name = f"/{what.lower()}.{next(self._numbers)}"
        while name in self.inputs:
            name += "'"
        return name


def _node(
    helper: Any, op: str, inputs: list[str], outputs: list[str], attributes: Mapping[str, Any]
) -> Any:
    domain = "ai.onnx.ml" if op == "LabelEncoder" else None
    return helper.make_node(op, inputs, outputs, domain=domain, **attributes)


def _element_type(dtype: np.dtype[Any]) -> int:
    """ONNX's number for a type."""
    known = {"float32": 1, "int64": 7, "bool": 9, "float16": 10, "float64": 11}
    return 8 if dtype.kind == "O" else known[dtype.name]  # text


def needed(module: str) -> Any:
    """A module of the packages that the extra "export" brings.

    Raises
    ------
    InputError
        It is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise InputError(
            "Expected the packages onnx and onnxruntime, to export a model and to check it; got "
            f"none that can be imported ({error}). Install them with the extra 'export': pip "
            "install '.[export]', in a checkout of alad."
        ) from error


# ------------------------------------------------------------------------------ operations


def apply(op: str, *inputs: Tensor, dtype: DTypeLike | None = None, **attributes: Any) -> Tensor:
    """An operation of ONNX with one result; its type is the first input's if not stated."""
    graph = inputs[0].graph
    (name,) = graph.apply(op, inputs, 1, attributes)
    return Tensor(graph, name, inputs[0].dtype if dtype is None else dtype)


def absolute(x: Tensor) -> Tensor:
    """|x|, number by number."""
    return apply("Abs", x)


def square(x: Tensor) -> Tensor:
    """x², number by number."""
    return x * x


def root(x: Tensor) -> Tensor:
    """The square root, number by number."""
    return apply("Sqrt", x)


def log(x: Tensor) -> Tensor:
    """The natural logarithm, number by number."""
    return apply("Log", x)


def softplus(x: Tensor) -> Tensor:
    """log(1 + exp(x)), number by number."""
    return apply("Softplus", x)


def where(condition: Tensor, yes: Operand, no: Operand) -> Tensor:
    """``yes`` where the condition holds, else ``no``; one of the two is a tensor."""
    typed = yes if isinstance(yes, Tensor) else no
    assert isinstance(typed, Tensor)
    return apply("Where", condition, typed._alike(yes), typed._alike(no), dtype=typed.dtype)


def total(x: Tensor, axis: int = -1, *, keep: bool = False) -> Tensor:
    """The sum along an axis."""
    return apply("ReduceSum", x, integers(x, axis), keepdims=int(keep))


def mean(x: Tensor, axis: int = -1) -> Tensor:
    """The mean along an axis."""
    return apply("ReduceMean", x, integers(x, axis), keepdims=0)


def every(x: Tensor, axis: int = -1) -> Tensor:
    """Whether x holds all along an axis."""
    least = apply("ReduceMin", x.to(np.float32), integers(x, axis), keepdims=0)
    return least.to(np.bool_)


def some(x: Tensor, axis: int = -1, *, keep: bool = False) -> Tensor:
    """Whether x holds anywhere along an axis."""
    most = apply("ReduceMax", x.to(np.float32), integers(x, axis), keepdims=int(keep))
    return most.to(np.bool_)


def largest(x: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k largest of each row in order, and their places; of equals the first comes first."""
    return _top(x, k, largest=1)


def smallest(x: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k smallest of each row in order, and their places; of equals the first comes first."""
    return _top(x, k, largest=0)


def _top(x: Tensor, k: int, **how: int) -> tuple[Tensor, Tensor]:
    values, places = x.graph.apply("TopK", (x, integers(x, k)), 2, {"axis": -1, **how})
    return Tensor(x.graph, values, x.dtype), Tensor(x.graph, places, np.int64)


def taken(x: Operand, places: Tensor, *, axis: int = 0) -> Tensor:
    """The parts of x at places along an axis, in the places' shape."""
    source = x if isinstance(x, Tensor) else places.graph.constant(np.asarray(x))
    return apply("Gather", source, places, axis=axis)


def taken_along(x: Tensor, places: Tensor) -> Tensor:
    """For each row the numbers at that row's own places."""
    return apply("GatherElements", x, places, axis=1)


def part(x: Tensor, start: int, stop: int, axis: int = 1) -> Tensor:
    """From ``start`` up to ``stop`` along an axis; a negative stop counts from the end."""
    ends = (integers(x, place) for place in (start, stop, axis))
    return apply("Slice", x, *ends)


def joined(parts: Sequence[Tensor], axis: int = 1) -> Tensor:
    """Parts one after the other along an axis."""
    return parts[0] if len(parts) == 1 else apply("Concat", *parts, axis=axis)


def flat(x: Tensor) -> Tensor:
    """Rows of any shape as vectors."""
    return apply("Flatten", x, axis=1)


def column(x: Tensor) -> Tensor:
    """The only column of a matrix, as a vector."""
    return apply("Squeeze", x, integers(x, 1))


def integers(x: Tensor, *numbers: int) -> Tensor:
    """Whole numbers as a constant of the graph of ``x``."""
    return x.graph.constant(np.array(numbers, np.int64))
