"""KDD Cup 1999: find the file, check its digest, encode it, and split it as published.

:data:`PROTOCOLS` names the ways in which ALAD's figures on this data set have been made, and
:func:`split` follows any of them. The 10 % file is shipped with alad; the others are fetched
when they are asked for.

>>> data = split(PROTOCOLS["paper"])
>>> data.x_train.shape, data.x_valid.shape, data.x_test.shape
((237907, 121), (79384, 121), (98805, 121))

Source: S. Hettich and S. D. Bay, The UCI KDD Archive, 1999 (CC BY 4.0).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alad.datasets import _protocols
from alad.datasets._files import RemoteFile, find
from alad.datasets._protocols import Protocol, Split, Table
from alad.errors import DataSetError

COLUMNS: tuple[str, ...] = tuple(
    """
    duration protocol_type service flag src_bytes dst_bytes land wrong_fragment urgent hot
    num_failed_logins logged_in num_compromised root_shell su_attempted num_root
    num_file_creations num_shells num_access_files num_outbound_cmds is_host_login
    is_guest_login count srv_count serror_rate srv_serror_rate rerror_rate srv_rerror_rate
    same_srv_rate diff_srv_rate srv_diff_host_rate dst_host_count dst_host_srv_count
    dst_host_same_srv_rate dst_host_diff_srv_rate dst_host_same_src_port_rate
    dst_host_srv_diff_host_rate dst_host_serror_rate dst_host_srv_serror_rate
    dst_host_rerror_rate dst_host_srv_rerror_rate
    """.split()
)
CATEGORICAL: tuple[str, ...] = (
    "protocol_type",
    "service",
    "flag",
    "land",
    "logged_in",
    "is_host_login",
    "is_guest_login",
)
NUMERIC: tuple[str, ...] = tuple(name for name in COLUMNS if name not in CATEGORICAL)
LABEL = "label"

_DTYPES: dict[str, type[pl.DataType]] = {
    **{name: pl.String if name in CATEGORICAL else pl.Float64 for name in COLUMNS},
    LABEL: pl.String,
}
_ARCHIVE = "https://kdd.ics.uci.edu/databases/kddcup99/"

TEN_PERCENT = RemoteFile(
    folder="kdd99",
    name="kddcup.data_10_percent.gz",
    sha256="8045aca0d84e70e622d1148d7df782496f6333bf6eb979a1b0837c42a9fd9561",
    urls=(
        "https://ndownloader.figshare.com/files/5976042",
        _ARCHIVE + "kddcup.data_10_percent.gz",
    ),
)
"""494,021 rows: the file of the paper, and the one that is shipped with alad."""

FULL = RemoteFile(
    folder="kdd99",
    name="kddcup.data.gz",
    sha256="3b6c942aa0356c0ca35b7b595a26c89d343652c9db428893e7494f837b274292",
    urls=("https://ndownloader.figshare.com/files/5976045", _ARCHIVE + "kddcup.data.gz"),
)
"""4,898,431 rows: the whole training file."""

CORRECTED = RemoteFile(
    folder="kdd99",
    name="corrected.gz",
    sha256="74f0daef49b242badc09f2adbd457dea6a45b4f77177efbd11216d333651044b",
    urls=(_ARCHIVE + "corrected.gz",),
)
"""311,029 rows: the contest's test file, with labels and with attacks that training lacks."""


def load(file: RemoteFile = TEN_PERCENT) -> pl.DataFrame:
    """Read ``file`` as 41 columns and ``label``, one row per connection.

    The 34 numeric columns are Float64; the 7 categorical ones and the label are String, the
    label without the dot that ends it in the file.

    Raises
    ------
    DataSetError
        The file cannot be found, verified or read.

    >>> frame = load()
    >>> frame.shape, frame["label"][0]
    ((494021, 42), 'normal')
    """
    return read(find(file))


def read(path: Path) -> pl.DataFrame:
    """Read any file that is written as KDD Cup 1999 is, gzipped or not (see :func:`load`)."""
    try:
        frame = pl.read_csv(path, has_header=False, schema=_DTYPES)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataSetError(
            f"Expected {path} to hold lines of 42 fields, as KDD Cup 1999 does; it cannot be "
            f"read so: {str(error).splitlines()[0]}. Delete the file to have it fetched again."
        ) from error
    incomplete = frame.select(pl.any_horizontal(pl.all().is_null())).to_series()
    if frame.height == 0 or incomplete.any():
        line = (incomplete.arg_max() or 0) + 1
        raise DataSetError(
            f"Expected 42 filled fields in every line of {path}; line {line} lacks some. "
            "Delete the file to have it fetched again."
        )
    return frame.with_columns(pl.col(LABEL).str.strip_suffix("."))


PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            name="paper",
            test_size=0.20,
            valid_size=0.25,
            anomaly="normal",
            flagged=0.20,
            source="Zenati et al., ICDM 2018 (arXiv 1812.02288), section on experiments",
        ),
        Protocol(
            name="talk",
            test_size=0.20,
            valid_size=0.25,
            anomaly="normal",
            flagged=0.1982,
            source="H. Strangalies, Anomaly Detection II, FU Berlin: flags the share of anomalies "
            "in its own test set; with seed 42 here that share is 19.59 %",
        ),
        Protocol(
            name="released-code",
            test_size=0.50,
            valid_size=0.0,
            anomaly="normal",
            flagged=0.20,
            test_anomaly_cap=0.20,
            source="houssamzenati/Adversarially-Learned-Anomaly-Detection@1f1c310, data/kdd.py",
        ),
        Protocol(
            name="corrected-labels",
            test_size=0.20,
            valid_size=0.25,
            anomaly="attack",
            flagged=None,
            source="ours: the paper's split with attacks as the anomaly, as a user would have it",
        ),
    )
}


def example(
    seed: int = 0, *, normal: int = 50_000, new: int = 20_000, of_each_attack: int = 200
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give two tables as a user would have them: normal connections, and new ones to judge.

    The first holds ``normal`` connections, without the label. The second holds ``new`` other ones
    and at most ``of_each_attack`` of every kind of attack, shuffled, with the label: no detector
    is to see it, it is there to look up afterwards.

    Raises
    ------
    DataSetError
        The file cannot be found, verified or read.

    >>> normal, new = example()
    >>> normal.shape, new.shape, new["label"].n_unique()
    ((50000, 41), (22179, 42), 23)
    """
    frame = load()
    rows = frame.filter(pl.col(LABEL) == "normal").sample(normal + new, shuffle=True, seed=seed)
    attacks = frame.filter(pl.col(LABEL) != "normal").sample(fraction=1, shuffle=True, seed=seed)
    few = attacks.group_by(LABEL, maintain_order=True).head(of_each_attack).select(frame.columns)
    mixed = pl.concat([rows[normal:], few]).sample(fraction=1, shuffle=True, seed=seed)
    return rows[:normal].drop(LABEL), mixed


def encode(
    frame: pl.DataFrame,
) -> tuple[NDArray[np.float32], tuple[str, ...], NDArray[np.bool_]]:
    """34 numeric features as they are, then one feature per level of the 7 categorical ones.

    The levels are those of ``frame``, sorted; like the authors, give the whole file, before it
    is split. Nothing is scaled.

    Parameters
    ----------
    frame : n rows as :func:`load` returns them.

    Returns
    -------
    x : float32 (n, f); f = 121 for the 10 % file.
    names : f names, such as ``src_bytes`` and ``service=http``.
    is_categorical : bool (f,), True for the one-hot features.
    """
    levels = {name: frame[name].unique().sort() for name in CATEGORICAL}
    names = NUMERIC + tuple(f"{name}={level}" for name in CATEGORICAL for level in levels[name])
    x = np.zeros((frame.height, len(names)), np.float32)
    for column, name in enumerate(NUMERIC):
        x[:, column] = frame[name].to_numpy()
    rows, start = np.arange(frame.height), len(NUMERIC)
    for name in CATEGORICAL:
        codes = frame[name].cast(pl.Enum(levels[name])).to_physical().to_numpy()
        x[rows, start + codes.astype(np.int64)] = 1
        start += len(levels[name])
    return x, names, np.arange(len(names)) >= len(NUMERIC)


def split(
    protocol: Protocol = PROTOCOLS["paper"], *, seed: int = 42, file: RemoteFile = TEN_PERCENT
) -> Split:
    """Load ``file``, encode it, and divide its rows by ``protocol``.

    The test rows are drawn first, then the validation rows from the rest, both with ``seed``;
    then anomalies leave the training and validation sets. The seed of the published figures
    is 42 throughout: the runs differ in the model's seed, not in the split.

    Differs from the authors' code: rows are drawn by scikit-learn's ``train_test_split`` for
    every protocol; for KDD the authors draw half of the rows with pandas, so ``released-code``
    has their sizes, not their very rows.

    Raises
    ------
    InputError
        The protocol cannot be followed, or leaves no row for training or for the test.
    DataSetError
        The file cannot be found, verified or read.

    >>> data = split(PROTOCOLS["corrected-labels"])
    >>> print(f"{data.y_test.mean():.4f} of the test rows are attacks")
    0.8041 of the test rows are attacks
    """
    _protocols.check(protocol, ("normal", "attack"), PROTOCOLS)
    frame = load(file)
    x, names, is_categorical = encode(frame)
    kind = frame[LABEL].to_numpy().astype(np.str_)
    table = Table(x, kind, names, is_categorical, file.sha256)
    is_anomaly = (kind == "normal") == (protocol.anomaly == "normal")
    return _protocols.apply(protocol, table, is_anomaly, seed)
