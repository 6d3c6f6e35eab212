"""From a path to files: one, those of a folder, those of a pattern."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from alad._files import is_shown
from alad.errors import InputError
from alad.preprocessing.frames import quoted

SEPARATORS = {".csv": ",", ".tsv": "\t"}
FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".npy": "npy",
}
OF_LINES = ("csv", "tsv", "jsonl")  # they may be gzipped
WRITTEN = (*OF_LINES, "parquet")
STANDARD_INPUT = Path("-")


def format_of(path: Path) -> str | None:
    """What kind of table a file of this name is, or None.

    >>> format_of(Path("flows.tsv.gz")), format_of(Path("flows.PQ")), format_of(Path("flows.gz"))
    ('tsv', 'parquet', None)
    """
    if path == STANDARD_INPUT:
        return "csv"
    name = path.name.lower()
    found = FORMATS.get(Path(name.removesuffix(".gz")).suffix)
    return None if name.endswith(".gz") and found not in OF_LINES else found


def written_as(path: Path) -> str:
    """How a result of this name is written: csv, tsv, jsonl or parquet.

    Raises
    ------
    InputError
        The name does not tell the format.

    >>> written_as(Path("flows.tsv.gz")), written_as(Path("-")), written_as(Path("flows.pq"))
    ('tsv', 'csv', 'parquet')
    """
    found = format_of(path)
    if found in WRITTEN:
        return found
    raise InputError(
        "Expected a file named .csv, .tsv, .jsonl, .ndjson (also .gz) or .parquet; got "
        f"{path}. Rename it after a format that can be written."
    )


def no_format(path: Path) -> InputError:
    """A name that does not tell how the file is to be read."""
    from alad.preprocessing.pictures import ENDINGS

    if path.suffix.lower() in ENDINGS:
        return InputError(
            f"Expected a table or a folder of pictures; got one picture, {path}. Give the folder "
            "that it is in."
        )
    if path.name.lower().removesuffix(".gz").endswith(".json"):
        return InputError(
            f"Expected JSON with one object a line, in a file named .jsonl or .ndjson; got {path}. "
            "Rename it if it is that; jq -c '.[]' makes such lines of a list, and "
            "jq -c '.Records[]' of a list within an object."
        )
    return InputError(
        "Expected a file named .csv, .tsv, .jsonl, .ndjson (also .gz), .arrow, .feather, .npy or "
        f".parquet; got {path}. Convert the table, or rename the file after its format."
    )


def holds_pictures(path: Path) -> bool:
    """Whether a path is a folder of pictures rather than a table.

    Raises
    ------
    InputError
        A folder that holds both, or neither.
    """
    if not path.is_dir():
        return False
    tables, pictures = tables_in(path), _first_picture(path)
    if not tables and pictures is None:
        raise InputError(
            f"Expected tables or pictures in the folder {path}; found none. Check the path, and "
            "that the files are named after their format."
        )
    if tables and pictures is not None:
        raise InputError(
            f"Expected tables or pictures in {path}; got both, such as {tables[0].name} and "
            f"{pictures.name}. Put them in folders of their own."
        )
    return not tables


def files_of(path: Path) -> list[Path]:
    """The files that a path means, in the order of their names.

    Raises
    ------
    InputError
        A folder or a pattern without tables, or with more than one kind of them.
    """
    if path == STANDARD_INPUT or path.is_file():
        return [path]
    if path.is_dir():
        return _of_one_kind(tables_in(path), path)
    if glob.has_magic(str(path)):
        found = sorted(Path(name) for name in glob.glob(str(path), recursive=True))
        found = [file for file in found if file.is_file()]
        if not found:
            raise InputError(
                f"Expected files that match {path}; there are none. Check the pattern, and put it "
                "in quotes."
            )
        return _of_one_kind(found, path)
    return [path]


def tables_in(folder: Path) -> list[Path]:
    """Every file in a folder and below it that is named as a table, unless it is hidden.

    So is what begins with ``_``, a _SUCCESS or the _temporary of a job that did not end.
    """
    return sorted(
        path
        for path in folder.rglob("*")
        if format_of(path) and path.is_file() and is_shown(path, folder, "._")
    )


def _of_one_kind(paths: Sequence[Path], whole: Path) -> list[Path]:
    if not paths:
        raise InputError(f"Expected tables in {whole}; found none. Check the path.")
    first = paths[0]
    for path in paths:
        if format_of(path) is None:
            raise no_format(path)
        if format_of(path) != format_of(first):
            raise InputError(
                f"Expected files of one kind in {whole}; got {quoted((first.name, path.name))}. "
                "Give a pattern that one kind matches."
            )
    return list(paths)


def _first_picture(folder: Path) -> Path | None:
    from alad.preprocessing.pictures import ENDINGS

    every = (path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    return next((path for path in every if is_shown(path, folder)), None)
