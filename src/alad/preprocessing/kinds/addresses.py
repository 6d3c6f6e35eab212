"""Columns of IP addresses and of ports."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alad.preprocessing.kinds._base import (
    Batch,
    Bools,
    Encoded,
    Kind,
    Learned,
    Learner,
    Settings,
    as_text,
    counted,
    filled,
    nulls,
    wrong,
)
from alad.preprocessing.kinds._counts import Counts, Shares
from alad.preprocessing.kinds._known import Known, one_or_others
from alad.preprocessing.kinds.numbers import as_at_fit
from alad.preprocessing.kinds.words import not_among

if TYPE_CHECKING:
    from alad.preprocessing.columns import Column

VALUE = pl.col("value")

# IPv4, also as IPv6 writes it: ::ffff:10.0.0.1
V4 = r"^(?:::ffff:)?(?P<a>[0-9]{1,3})\.(?P<b>[0-9]{1,3})\.(?P<c>[0-9]{1,3})\.(?P<d>[0-9]{1,3})$"
_H = "[0-9a-f]{1,4}"
V6 = (
    "^(?:"
    + "|".join(
        [
            f"(?:{_H}:){{7}}{_H}",
            f"(?:{_H}:){{1,7}}:",
            *(f"(?:{_H}:){{1,{7 - n}}}(?::{_H}){{1,{n}}}" for n in range(1, 7)),
            f":(?::{_H}){{1,7}}",
            "::",
        ]
    )
    + ")$"
)

FLAGS = ("is private", "is loopback", "is multicast", "is IPv6")
RARITIES = ("network rarity", "address rarity")
A, B = pl.col("a"), pl.col("b")
OF_V4 = (
    (A == 10)
    | ((A == 172) & B.is_between(16, 31))
    | ((A == 192) & (B == 168))
    | ((A == 169) & (B == 254)),
    A == 127,
    A.is_between(224, 239),
    pl.lit(False),
)
FIRST = pl.col("groups").list.get(0)
OF_V6 = (
    FIRST.str.contains(r"^(?:f[cd]..|fe[89ab].)$"),
    pl.col("groups").list.join(":") == "0:0:0:0:0:0:0:1",
    FIRST.str.contains(r"^ff..$"),
    pl.lit(True),
)


class Ip(Kind):
    """What the address is for, and how rare it and its network are."""

    def learner(self, name: str, settings: Settings) -> Learner:
        """Start to learn a column."""
        return IpLearner()

    def features(self, column: Column) -> dict[str, bool]:
        """Four flags and two rarities."""
        return {f"{column.name} {what}": what in FLAGS for what in (*FLAGS, *RARITIES)}

    def encode(self, series: pl.Series, column: Column) -> Encoded:
        """Give the features; what is no address sets no flag and is as rare as a new one."""
        text = as_text(series)
        return self._encode(text, column, read(text))

    def _encode(self, text: pl.Series, column: Column, found: pl.DataFrame) -> Encoded:
        networks, addresses = (Shares.from_json(column.learned[n]) for n in ("network", "address"))
        rarity, _ = networks.rarity(found["network"])
        address, new = addresses.rarity(found["address"])
        gap = nulls(text)
        unseen = 0 if addresses.is_open else new
        unseen += found["address"].null_count() - int(gap.sum())
        features = (*(found[flag].to_numpy() for flag in FLAGS), rarity, address)
        return Encoded(filled(features, gap, column.learned["fill"]), gap, unseen)

    def never_seen(self, series: pl.Series, column: Column) -> Bools:
        """(n,) where the address is none of those of fit, if the model holds them all."""
        found = read(as_text(series))["address"]
        return not_among(Shares.from_json(column.learned["address"]), found)

    def is_open(self, column: Column) -> bool:
        """Whether new addresses are nothing new."""
        return Shares.from_json(column.learned["address"]).is_open

    def decode(self, part: NDArray[Any], column: Column) -> pl.Series:
        """Give the address of the nearest features; of several the network that holds them."""
        return pl.Series(column.name, self._known(column).said(part, network_of), pl.String)

    def legal(self, part: NDArray[Any], column: Column) -> NDArray[Any]:
        """Give the nearest features of an address."""
        return self._known(column).nearest(part)

    def _known(self, column: Column) -> Known:
        """The addresses that the model names, by their features."""
        addresses = column.learned["address"]["values"]
        text = pl.Series(column.name, addresses, pl.String)
        features = np.column_stack(self._encode(text, column, read(text)).features)
        return Known(addresses, features, len(FLAGS))


class IpLearner(Learner):
    """Counts addresses and their networks."""

    def __init__(self) -> None:
        self.addresses, self.networks = Counts(), Counts()

    def update(self, batch: Batch) -> None:
        """Take in some addresses."""
        found = read(batch.counted["value"]).with_columns(batch.counted["n"])
        odd = batch.counted["value"].filter(found["address"].is_null())
        if len(odd):
            raise wrong(batch.name, "IPv4 or IPv6 addresses", _first(batch.series, odd))
        self.addresses.add(found.select(pl.col("address").alias("value"), "n"))
        self.networks.add(found.select(pl.col("network").alias("value"), "n"))

    def finish(self, has_missing: bool) -> Learned:
        """Say what was learned."""
        addresses, networks = self.addresses.shares(), self.networks.shares()
        typical = read(pl.Series([addresses.values[0]]))
        learned = {
            "address": addresses.to_json(),
            "network": networks.to_json(),
            "fill": [
                *(float(typical[flag][0]) for flag in FLAGS),
                float(networks.rarity(typical["network"])[0][0]),
                addresses.least,
            ],
        }
        constant = self.addresses.table.height == 1 and not has_missing
        return Learned("ip", constant=constant, learned=learned)

    def gap(self, learned: Learned) -> list[float]:
        """No flag, and rarer than the rarest."""
        shares = [Shares.from_json(learned.learned[name]) for name in ("network", "address")]
        return [0.0] * len(FLAGS) + [one.gap for one in shares]


def network_of(addresses: Sequence[str]) -> str:
    """The smallest network of whole bytes, or groups, that holds addresses which features mix up.

    >>> network_of(["10.0.0.7"]), network_of(["10.0.0.7", "10.0.3.9"])
    ('10.0.0.7', '10.0.0.0/16')
    >>> network_of(["10.0.0.7", "192.168.0.1"])
    '10.0.0.7 or 1 other as frequent'
    """
    every = [ip_address(address) for address in addresses]
    first, versions = every[0], {address.version for address in every}
    numbers = [int(address) for address in every]
    step = 8 if first.version == 4 else 16
    length = first.max_prefixlen - (min(numbers) ^ max(numbers)).bit_length()
    if len(every) == 1 or len(versions) > 1 or length < step:
        return one_or_others([str(address) for address in every])
    return str(ip_network((first, length // step * step), strict=False))


def read(text: pl.Series) -> pl.DataFrame:
    """Address, network (/24 or /64) and flags of each text; null and no flag if it is none.

    >>> read(pl.Series(["10.1.2.3", "FE80::1", "host"])).select("network", "is private").rows()
    [('10.1.2.0/24', True), ('fe80:0:0:0::/64', True), (None, False)]
    """
    value = text.rename("value").str.strip_chars().str.to_lowercase()
    value = value.str.replace(r"%[0-9a-z]+$", "")  # the zone of a link-local address
    parts = value.to_frame().select(VALUE.str.extract_groups(V4)).unnest("value")
    parts = parts.cast(pl.UInt32, strict=False).with_columns(
        ok=pl.max_horizontal("a", "b", "c", "d") <= 255
    )
    found = parts.select(
        pl.when("ok").then(pl.format("{}.{}.{}.{}", "a", "b", "c", "d")).alias("address"),
        pl.when("ok").then(pl.format("{}.{}.{}.0/24", "a", "b", "c")).alias("network"),
        *_flags(OF_V4),
    ).with_columns(pl.col(FLAGS) & parts["ok"].fill_null(False))
    is_v6 = value.str.contains(V6).fill_null(False)
    return _with_v6(found, value, is_v6) if is_v6.any() else found


def _flags(conditions: tuple[pl.Expr, ...]) -> list[pl.Expr]:
    return [e.fill_null(False).alias(f) for f, e in zip(FLAGS, conditions, strict=True)]


def _with_v6(found: pl.DataFrame, value: pl.Series, is_v6: pl.Series) -> pl.DataFrame:
    """Put the rows of IPv6 in their places."""
    of_v6 = _groups(value.filter(is_v6)).select(
        pl.col("groups").list.join(":").alias("address"),
        (pl.col("groups").list.head(4).list.join(":") + "::/64").alias("network"),
        *_flags(OF_V6),
    )
    place = is_v6.cast(pl.UInt32).cum_sum() - 1
    picked = of_v6[pl.select(pl.when(is_v6).then(place).otherwise(0)).to_series()]
    whole = found.hstack([c.alias(f"{c.name}/6") for c in picked.iter_columns()])
    chosen = pl.when(is_v6)
    return whole.select(chosen.then(f"{n}/6").otherwise(n).alias(n) for n in found.columns)


def _groups(value: pl.Series) -> pl.DataFrame:
    """The eight groups of each IPv6 address, without leading zeros."""
    halves = value.to_frame().select(VALUE.str.split_exact("::", 1)).unnest("value")
    head, tail = (_split(name) for name in ("field_0", "field_1"))
    zeros = pl.lit("0").repeat_by(8 - head.list.len() - tail.list.len())
    short = pl.element().str.strip_chars_start("0").replace("", "0")
    return halves.select(groups=pl.concat_list(head, zeros, tail).list.eval(short))


def _split(half: str) -> pl.Expr:
    """The groups of one side of ``::``; none if there is nothing."""
    groups = pl.col(half).fill_null("").str.split(":")
    return groups.list.eval(pl.element().filter(pl.element() != ""))


def _first(series: pl.Series, odd: pl.Series) -> str:
    """The value of ``odd`` that comes first."""
    text = as_text(series)
    return str(text.filter(text.is_in(odd.implode()))[0])


# -------------------------------------------------------------------------------- ports

PORTS = {"well-known": 1023, "registered": 49_151, "ephemeral": 65_535}
HIGHEST = 65_535


class Port(Kind):
    """Which range the port is of, and how rare it is."""

    is_number = True

    def learner(self, name: str, settings: Settings) -> Learner:
        """Start to learn a column."""
        return PortLearner()

    def features(self, column: Column) -> dict[str, bool]:
        """A flag for each range, and the rarity."""
        flags = {f"{column.name} is {what}": True for what in PORTS}
        return flags | {f"{column.name} rarity": False}

    def encode(self, series: pl.Series, column: Column) -> Encoded:
        """Give the features; what is no port sets no flag and is as rare as a new one."""
        ports, odd = _ports(as_at_fit(series, column))
        shares = Shares.from_json(column.learned["values"])
        rarity, new = shares.rarity(ports)
        gap = nulls(ports) & ~odd
        unseen = int(odd.sum()) + (0 if shares.is_open else new)
        typical = _ranges(np.array([shares.values[0]]))
        fill = [*(float(flag[0]) for flag in typical), shares.least]
        number = ports.fill_null(-1).to_numpy()
        return Encoded(filled((*_ranges(number), rarity), gap, fill), gap, unseen)

    def never_seen(self, series: pl.Series, column: Column) -> Bools:
        """(n,) where the port is none of those of fit, if the model holds them all."""
        ports, odd = _ports(as_at_fit(series, column))
        return odd | not_among(Shares.from_json(column.learned["values"]), ports)

    def is_open(self, column: Column) -> bool:
        """Whether new ports are nothing new."""
        return Shares.from_json(column.learned["values"]).is_open

    def decode(self, part: NDArray[Any], column: Column) -> pl.Series:
        """Give the port of the nearest features; of several the range."""
        return pl.Series(column.name, self._known(column).said(part, _range_of), pl.String)

    def legal(self, part: NDArray[Any], column: Column) -> NDArray[Any]:
        """Give the nearest features of a port."""
        return self._known(column).nearest(part)

    def rarity(
        self, part: NDArray[Any], normal: NDArray[Any], column: Column
    ) -> NDArray[np.float64] | None:
        """Give the share of normal rows with a port as rare.

        Where new ports are nothing new, as of clients, all of a range are as rare but for the
        well-known ones; else a port is as rare as it was at fit.
        """
        both = np.concatenate([normal, part])
        if Shares.from_json(column.learned["values"]).is_open:
            place = len(PORTS)
            both[:, place] = np.where(both[:, 0] > 0.5, both[:, place], 0)
        codes = np.unique(both, axis=0, return_inverse=True)[1].ravel()
        counts = np.bincount(codes[: len(normal)], minlength=codes.max() + 1)
        having = np.sort(counts[codes[: len(normal)]])
        of_rows = counts[codes[len(normal) :]]
        return np.searchsorted(having, of_rows, side="right") / len(normal)

    def _known(self, column: Column) -> Known:
        """The ports that the model names, by their features."""
        shares = Shares.from_json(column.learned["values"])
        ranges = _ranges(np.array(shares.values))
        features = np.column_stack([*ranges, shares.rarities]).astype(np.float32)
        return Known(shares.values, features, len(PORTS))


class PortLearner(Learner):
    """Counts ports."""

    def __init__(self) -> None:
        self.ports = Counts()

    def update(self, batch: Batch) -> None:
        """Take in some ports."""
        series = batch.series
        if not series.dtype.is_numeric():
            raise wrong(series.name, "ports (whole numbers up to 65535)", series.drop_nulls()[0])
        ports, odd = _ports(series)
        if odd.any():
            value = series[int(odd.argmax())]
            raise wrong(series.name, "ports (whole numbers up to 65535)", value)
        self.ports.add(counted(ports))

    def finish(self, has_missing: bool) -> Learned:
        """Say what was learned."""
        constant = self.ports.table.height == 1 and not has_missing
        return Learned("port", constant=constant, learned={"values": self.ports.shares().to_json()})

    def gap(self, learned: Learned) -> list[float]:
        """No flag, and rarer than the rarest."""
        return [0.0] * len(PORTS) + [Shares.from_json(learned.learned["values"]).gap]


def _ports(series: pl.Series) -> tuple[pl.Series, NDArray[np.bool_]]:
    """Ports as whole numbers, and where there is a number that is none."""
    number = series.cast(pl.Float64).fill_nan(None)
    is_port = (number >= 0) & (number <= HIGHEST) & (number.floor() == number)
    ports = number.zip_with(is_port.fill_null(False), pl.Series([None], dtype=pl.Float64))
    return ports.cast(pl.Int64), (~is_port).fill_null(False).to_numpy()


def _range_of(ports: Sequence[int]) -> str:
    """A port, or what range several are of that features mix up."""
    range_of = next(name for name, last in PORTS.items() if ports[0] <= last)
    return f"{range_of} port" if len(ports) > 1 else str(ports[0])


def _ranges(ports: NDArray[Any]) -> tuple[NDArray[np.bool_], ...]:
    low, high = PORTS["well-known"], PORTS["registered"]
    return (ports >= 0) & (ports <= low), (ports > low) & (ports <= high), ports > high
