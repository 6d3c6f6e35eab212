"""``alad example``: real rows to try the other commands on."""

import json
from pathlib import Path

import polars as pl


def test_example_holds_normal_rows_and_new_ones_with_attacks(alad):
    done = alad.good("example", "here")
    normal, new = pl.read_csv("here/normal.csv"), pl.read_csv("here/new.csv")
    assert "50,000 rows" in done.out
    assert [*normal.columns, "label"] == new.columns
    kinds = dict(new["label"].value_counts().iter_rows())
    assert kinds["normal"] == 20_000
    assert len(kinds) == 23
    assert max(n for kind, n in kinds.items() if kind != "normal") == 200


def test_example_says_what_it_wrote_as_json(alad):
    said = json.loads(alad.good("example", "here", "--json").out)
    assert [Path(file["out"]).name for file in said["files"]] == ["normal.csv", "new.csv"]
    assert (said["files"][0]["rows"], said["files"][0]["columns"]) == (50_000, 41)


def test_example_is_the_same_for_the_same_seed(alad):
    alad.good("example", "a", "--seed", "3")
    alad.good("example", "b", "--seed", "3")
    assert Path("a/new.csv").read_bytes() == Path("b/new.csv").read_bytes()
    assert Path("a/new.csv").read_bytes() != Path("a/normal.csv").read_bytes()


def test_example_does_not_replace_what_is_not_a_file(alad):
    Path("here/normal.csv").mkdir(parents=True)
    alad.refused("Expected to write .*", "example", "here", code=1)
