"""KDD Cup 1999: find the file, check its digest, encode it, and split it as published.

A file is found at the first of these places, and its SHA-256 digest is checked every time:

1. ``$ALAD_DATA/kdd99/`` (``ALAD_DATA`` defaults to ``alad`` in the user's cache directory);
2. for the 10 % file, the copy that is shipped with alad;
3. the file's public addresses, from which it is fetched into the first place.

A protocol is a value, not a branch: :data:`PROTOCOLS` names the ways in which ALAD's figures
on this data set have been made, and :func:`split` follows any of them.

>>> data = split(PROTOCOLS["paper"])
>>> data.x_train.shape, data.x_valid.shape, data.x_test.shape
((237907, 121), (79384, 121), (98805, 121))

Source: S. Hettich and S. D. Bay, The UCI KDD Archive, 1999 (CC BY 4.0).
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import urllib.request
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from alad.errors import DataSetError, InputError

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
_TIMEOUT = 60.0  # seconds without an answer before the next address is tried


@dataclass(frozen=True)
class RemoteFile:
    """A file by name, the digest that proves it, and where the public copies are."""

    name: str
    sha256: str
    urls: tuple[str, ...]


_ARCHIVE = "https://kdd.ics.uci.edu/databases/kddcup99/"

TEN_PERCENT = RemoteFile(
    name="kddcup.data_10_percent.gz",
    sha256="8045aca0d84e70e622d1148d7df782496f6333bf6eb979a1b0837c42a9fd9561",
    urls=(
        "https://ndownloader.figshare.com/files/5976042",
        _ARCHIVE + "kddcup.data_10_percent.gz",
    ),
)
"""494,021 rows: the file of the paper, and the one that is shipped with alad."""

FULL = RemoteFile(
    name="kddcup.data.gz",
    sha256="3b6c942aa0356c0ca35b7b595a26c89d343652c9db428893e7494f837b274292",
    urls=("https://ndownloader.figshare.com/files/5976045", _ARCHIVE + "kddcup.data.gz"),
)
"""4,898,431 rows: the whole training file."""

CORRECTED = RemoteFile(
    name="corrected.gz",
    sha256="74f0daef49b242badc09f2adbd457dea6a45b4f77177efbd11216d333651044b",
    urls=(_ARCHIVE + "corrected.gz",),
)
"""311,029 rows: the contest's test file, with labels and with attacks that training lacks."""


# --------------------------------------------------------------------------- the file


def find(file: RemoteFile = TEN_PERCENT) -> Path:
    """The path of a checked copy of ``file``: in ``$ALAD_DATA``, shipped, or fetched now.

    Raises
    ------
    DataSetError
        The copy's digest is wrong, or no address delivered the file.
    """
    cached = _data_dir() / file.name
    shipped = Path(str(resources.files("alad.datasets"))) / "files" / file.name
    for path in (cached, shipped):
        if path.is_file():
            _check_digest(path, file)
            return path
    return _fetch(file, cached)


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


def _data_dir() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    root = os.environ.get("ALAD_DATA") or Path(cache) / "alad"
    return Path(root).expanduser() / "kdd99"


def _check_digest(path: Path, file: RemoteFile) -> None:
    try:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataSetError(
            f"Expected to read {path}; got {error}. Give yourself permission to read it, or "
            "point ALAD_DATA at another folder."
        ) from error
    if found != file.sha256:
        raise DataSetError(
            f"Expected {path} to have SHA-256 {file.sha256}; got {found}. "
            f"The file is damaged or another one: delete it, and {file.name} is fetched again."
        )


def _fetch(file: RemoteFile, target: Path) -> Path:
    """Try the addresses in turn; write aside and rename, so no half file is ever found."""
    failures = []
    for url in file.urls:
        try:
            _download(url, file, target)
            return target
        except OSError as error:  # URLError and DataSetError are OSErrors too
            failures.append(f"{url}: {error}")
    raise DataSetError(
        f"Expected {file.name} in {target.parent} or at one of its public addresses; got "
        f"{'; '.join(failures) or 'no address'}. Put the file there by hand, or set ALAD_DATA "
        "to the folder that holds kdd99/."
    )


def _download(url: str, file: RemoteFile, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=file.name, suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as out, urllib.request.urlopen(url, timeout=_TIMEOUT) as src:
            while block := src.read(1 << 20):
                out.write(block)
        _check_digest(part, file)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


# ----------------------------------------------------------------------- the protocols


@dataclass(frozen=True)
class Protocol:
    """How rows become train, validation and test sets, and which of them are anomalies."""

    name: str
    test_size: float
    """Share of all rows that is held out for the test."""
    valid_size: float
    """Share of the remaining rows that becomes the validation set; 0 for none."""
    anomaly: Literal["normal", "attack"]
    """The class that is called the anomaly."""
    flagged: float | None
    """Share of test rows to flag; None flags the true number of anomalies."""
    test_anomaly_cap: float | None = None
    """The largest share of anomalies in the test set; surplus ones are dropped at random."""
    keep_anomalies_in_train: bool = False
    """Whether anomalies stay in the training and validation sets."""
    source: str = ""


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
            flagged=None,
            source="H. Strangalies, Anomaly Detection II, FU Berlin: flags 19.82 %, the share "
            "of anomalies in its own test set; 19.59 % with seed 42 here",
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


@dataclass(frozen=True)
class Split:
    """One protocol applied to one file. n rows, 121 features for the 10 % file.

    ``y_test`` is True for an anomaly; ``attack_test`` is the row's label in the file
    (``normal``, ``smurf``, ...); ``is_categorical`` marks the one-hot features; ``rows_*`` are
    row numbers in the file; ``fingerprint`` is equal exactly when file, protocol and seed are.
    """

    protocol: Protocol
    seed: int
    x_train: NDArray[np.float32]
    x_valid: NDArray[np.float32]
    x_test: NDArray[np.float32]
    y_test: NDArray[np.bool_]
    attack_test: NDArray[np.str_]
    feature_names: tuple[str, ...]
    is_categorical: NDArray[np.bool_]
    rows_train: NDArray[np.int64]
    rows_valid: NDArray[np.int64]
    rows_test: NDArray[np.int64]
    fingerprint: str


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
        The shares of the protocol leave no row for training or for the test.
    DataSetError
        The file cannot be found, verified or read.

    >>> data = split(PROTOCOLS["corrected-labels"])
    >>> print(f"{data.y_test.mean():.4f} of the test rows are attacks")
    0.8041 of the test rows are attacks
    """
    _check_protocol(protocol)
    frame = load(file)
    x, names, is_categorical = encode(frame)
    anomalous = _anomalous(frame, protocol)
    train, valid, test = _divide(anomalous, protocol, seed)
    return Split(
        protocol=protocol,
        seed=seed,
        x_train=x[train],
        x_valid=x[valid],
        x_test=x[test],
        y_test=anomalous[test],
        attack_test=frame[LABEL].gather(test).to_numpy().astype(np.str_),
        feature_names=names,
        is_categorical=is_categorical,
        rows_train=train,
        rows_valid=valid,
        rows_test=test,
        fingerprint=_fingerprint(file, protocol, seed),
    )


def _anomalous(frame: pl.DataFrame, protocol: Protocol) -> NDArray[np.bool_]:
    normal = (frame[LABEL] == "normal").to_numpy()
    return normal if protocol.anomaly == "normal" else ~normal


def _divide(
    anomalous: NDArray[np.bool_], protocol: Protocol, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Row numbers of the training, validation and test sets."""
    rest, test = train_test_split(
        np.arange(len(anomalous)), test_size=protocol.test_size, random_state=seed
    )
    train, valid = rest, rest[:0]
    if protocol.valid_size:
        train, valid = train_test_split(rest, test_size=protocol.valid_size, random_state=seed)
    if not protocol.keep_anomalies_in_train:
        train, valid = train[~anomalous[train]], valid[~anomalous[valid]]
    if protocol.test_anomaly_cap is not None:
        test = _cap(test, anomalous, protocol.test_anomaly_cap, seed)
    return train, valid, test


def _cap(
    test: NDArray[np.int64], anomalous: NDArray[np.bool_], cap: float, seed: int
) -> NDArray[np.int64]:
    """Drop anomalies at random until their share of the test set is at most ``cap``."""
    strange = np.flatnonzero(anomalous[test])
    allowed = int((len(test) - len(strange)) * cap / (1 - cap))
    if len(strange) <= allowed:
        return test
    surplus = np.random.default_rng(seed).permutation(strange)[allowed:]
    return np.delete(test, surplus)


def _check_protocol(protocol: Protocol) -> None:
    cap = protocol.test_anomaly_cap
    if (
        0 < protocol.test_size < 1
        and 0 <= protocol.valid_size < 1
        and (cap is None or 0 < cap < 1)
        and protocol.anomaly in ("normal", "attack")
    ):
        return
    raise InputError(
        "Expected a protocol with 0 < test_size < 1, 0 <= valid_size < 1, test_anomaly_cap "
        f"None or between 0 and 1, and anomaly 'normal' or 'attack'; got {protocol}. "
        f"Start from one of PROTOCOLS: {', '.join(PROTOCOLS)}."
    )


def _fingerprint(file: RemoteFile, protocol: Protocol, seed: int) -> str:
    content = json.dumps([file.sha256, asdict(protocol), seed], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
