"""What the columns of a table are, as a person states it: kind and role of each, in JSON.

    {
      "format": "alad-schema",
      "columns": [
        {"name": "at", "kind": "time", "role": "time"},
        {"name": "bytes", "kind": "numeric", "role": "feature"}
      ]
    }

A ``note`` may stand beside; it says why, and is not read. A column of times may have a ``format``:
a unit since 1970 (``milliseconds``), or as of ``strptime`` (``%d/%m/%Y %H:%M``). One of numbers may
say which of them stand for a missing one: ``"missing": [-999]``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from sys import float_info
from typing import Any, Self

from alad._files import written_aside
from alad.errors import InputError
from alad.preprocessing.columns import ROLES, Column
from alad.preprocessing.frames import quoted, repeated
from alad.preprocessing.kinds import IGNORED, KINDS
from alad.preprocessing.kinds._ends import as_written
from alad.preprocessing.kinds._formats import UNITS, is_of_numbers

FORMAT = "alad-schema"
CHOICES: Mapping[str, tuple[str, ...]] = {"kind": (*KINDS, IGNORED), "role": ROLES}
LARGEST = float_info.max
KEYS = ("name", *CHOICES, "format", "missing", "note")
OF_TIME = ("time", IGNORED)  # the kinds that go with the role time
ONE_ONLY = ("time", "entity")


@dataclass(frozen=True)
class Stated:
    """What one column is said to be."""

    name: str
    kind: str
    role: str = "feature"
    note: str = ""
    format: str = ""
    """Of times that are not written as in ISO 8601."""
    missing: tuple[float, ...] = ()
    """Of numbers, those that stand for a missing one."""

    @property
    def is_text_of_times(self) -> bool:
        """Whether its values are text, which the format says how to read."""
        return bool(self.format) and not is_of_numbers(self.format)

    def to_json(self) -> dict[str, Any]:
        """What is said, as JSON."""
        said = asdict(self) | {"missing": [as_written(number) for number in self.missing]}
        return {key: said[key] for key in KEYS if said[key]}


@dataclass(frozen=True)
class Schema:
    """What all columns of a table are said to be, in the table's order.

    Raises
    ------
    InputError
        A kind or role that there is not, a name twice, two columns of time or two entities.

    >>> schema = Schema((Stated("at", "time", "time"), Stated("host", "ip", "entity")))
    >>> [column.kind for column in schema]
    ['time', 'ip']
    """

    columns: tuple[Stated, ...]

    def __post_init__(self) -> None:
        for column in self.columns:
            for key, choices in CHOICES.items():
                _check_choice(column.name, key, getattr(column, key), choices)
            _check_format(column)
            _check_missing(column)
        _check_unique([column.name for column in self.columns])
        for role in ONE_ONLY:
            self._check_one(role)
        for column in self.columns:
            if column.role == "time" and column.kind not in OF_TIME:
                raise InputError(
                    f"Expected the kind 'time' for column {column.name!r}, whose role is 'time' "
                    f"(or 'ignored', to tell the time and not learn from it); got "
                    f"{column.kind!r}. Correct one of them in the schema."
                )

    def _check_one(self, role: str) -> None:
        named = [column.name for column in self.columns if column.role == role]
        if len(named) > 1:
            raise InputError(
                f"Expected at most one column with the role {role!r}; got {quoted(named)}. Give "
                "the others the role 'feature' in the schema."
            )

    def __iter__(self) -> Iterator[Stated]:
        return iter(self.columns)

    def __getitem__(self, name: str) -> Stated:
        for column in self.columns:
            if column.name == name:
                return column
        raise InputError(
            f"Expected a column of the schema; got {name!r}. It states "
            f"{quoted(column.name for column in self.columns)}."
        )

    def without(self, names: Collection[str]) -> Schema:
        """The schema of the table without these columns."""
        return Schema(tuple(column for column in self.columns if column.name not in names))

    def check_names(self, names: Sequence[str]) -> None:
        """Hold the schema's columns against those of a table.

        Raises
        ------
        InputError
            One has a column that the other has not.
        """
        stated = [column.name for column in self.columns]
        unknown, absent = _but(stated, names), _but(names, stated)
        if unknown:
            raise InputError(
                f"Expected the schema to state columns of the table; it also states "
                f"{quoted(unknown)}. The table has {quoted(names)}. Take them out of the schema."
            )
        if absent:
            raise InputError(
                f"Expected the schema to state every column of the table; it lacks "
                f"{quoted(absent)}. Add them, with the kind 'ignored' if they are not wanted."
            )

    def to_json(self) -> dict[str, Any]:
        """The schema as JSON; a note only where there is one."""
        return {"format": FORMAT, "columns": [column.to_json() for column in self.columns]}

    @classmethod
    def of(cls, columns: Iterable[Column]) -> Self:
        """What learned columns are."""
        return cls(
            tuple(Stated(c.name, c.kind, c.role, c.note, c.format, c.marks) for c in columns)
        )

    @classmethod
    def from_json(cls, content: Any) -> Self:
        """The schema that JSON states.

        Raises
        ------
        InputError
            It is no schema; the message says where and what was expected.
        """
        if not isinstance(content, Mapping) or not isinstance(content.get("columns"), list):
            raise InputError(
                'Expected a schema, {"columns": [{"name": ..., "kind": ..., "role": ...}, ...]}; '
                "got other JSON. Write one with: alad schema TABLE -o schema.json"
            )
        return cls(tuple(_stated(i, entry) for i, entry in enumerate(content["columns"])))

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Self:
        """The schema in a file of JSON.

        Raises
        ------
        InputError
            There is no such file, or it is no schema.
        """
        try:
            content = json.loads(Path(path).read_text("utf-8-sig"))
        except OSError as error:
            raise InputError(
                f"Expected a schema at {path}, but {(error.strerror or str(error)).lower()}. "
                "Check the path, and that you may read it."
            ) from error
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"Expected JSON in {path}; it cannot be read: {str(error).rstrip('.')}. Correct "
                "it there, or write it anew with: alad schema TABLE -o schema.json"
            ) from error
        return cls.from_json(content)

    def write(self, path: str | PathLike[str]) -> None:
        """Write the schema as JSON, one column a line, whole or not at all.

        Raises
        ------
        OutputError
            The place cannot be written.
        """
        content = self.to_json()
        lines = (json.dumps(column, ensure_ascii=False) for column in content["columns"])
        columns = ",\n".join(f"    {line}" for line in lines)
        with written_aside(path) as aside:
            aside.write_text(
                f'{{\n  "format": "{FORMAT}",\n  "columns": [\n{columns}\n  ]\n}}\n', "utf-8"
            )


def _stated(place: int, entry: Any) -> Stated:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
        raise InputError(
            f'Expected {{"name": ..., "kind": ..., "role": ...}} as column {place + 1} of the '
            f"schema; got {json.dumps(entry)[:100]}. Correct it there."
        )
    name = entry["name"]
    if unknown := _but(entry, KEYS):
        raise InputError(
            f"Expected {', '.join(KEYS)} for column {name!r} of the schema; got "
            f"{quoted(unknown)}. Correct or delete it there."
        )
    if absent := _but(CHOICES, entry):
        raise InputError(
            f"Expected a {absent[0]} for column {name!r} of the schema; there is none. Add one of "
            f"{', '.join(CHOICES[absent[0]])}."
        )
    note, form = (str(entry.get(key) or "") for key in ("note", "format"))
    return Stated(name, entry["kind"], entry["role"], note, form, _missing(name, entry))


def _missing(name: str, entry: Mapping[str, Any]) -> tuple[float, ...]:
    """The numbers that an entry states as missing."""
    stated = [] if entry.get("missing") is None else entry["missing"]
    of_numbers = isinstance(stated, list) and all(
        isinstance(x, int | float) and not isinstance(x, bool) and abs(x) <= LARGEST for x in stated
    )
    if not of_numbers:
        raise InputError(
            f'Expected a list of numbers, such as [-999], as "missing" of column {name!r} of the '
            f"schema; got {json.dumps(stated)[:100]}. Correct it there."
        )
    return tuple(stated)


def _check_choice(name: str, key: str, value: Any, choices: Sequence[str]) -> None:
    if value not in choices:
        raise InputError(
            f"Expected the {key} of column {name!r} in the schema to be one of "
            f"{', '.join(choices)}; got {value!r}."
        )


def _check_format(column: Stated) -> None:
    """Refuse a format of what is no time, and one that is none."""
    form = column.format
    if form and column.kind not in OF_TIME:
        raise InputError(
            f"Expected a format for the kind 'time' only; got {form!r} for column "
            f"{column.name!r}, whose kind is {column.kind!r}. Correct one of them in the schema."
        )
    if form and form not in UNITS and "%" not in form:
        raise InputError(
            f"Expected the format of column {column.name!r} in the schema to be one of "
            f"{', '.join(UNITS)}, or of date and time, such as %d/%m/%Y %H:%M:%S; got {form!r}. "
            "Correct it there, or delete it to have it found out."
        )


def _check_missing(column: Stated) -> None:
    """Refuse numbers that stand for a missing one where there are none."""
    if column.missing and column.kind != IGNORED and not KINDS[column.kind].is_number:
        raise InputError(
            f'Expected "missing" for kinds of numbers only; got {column.missing} for column '
            f"{column.name!r}, whose kind is {column.kind!r}. Correct one of them in the schema."
        )


def _check_unique(names: list[str]) -> None:
    if twice := repeated(names):
        raise InputError(
            f"Expected the schema to state every column once; got {quoted(twice)} more than "
            "once. Delete one."
        )


def _but(names: Iterable[str], others: Iterable[str]) -> list[str]:
    taken = set(others)
    return [name for name in names if name not in taken]
