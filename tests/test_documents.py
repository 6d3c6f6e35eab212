"""Figures in the documents are those of the stored results."""

import pytest

from benchmarks.tables import BLOCK, PAGES, renewed, table


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_table_says_what_its_result_says(page):
    text = page.read_text("utf-8")
    assert BLOCK.search(text)
    assert renewed(text) == text


def test_a_figure_changed_by_hand_is_seen():
    name = "kdd99-paper-none-full"
    text = f"<!-- table: {name} -->\n{table(name)}<!-- end -->"
    assert renewed(text) == text
    assert renewed(text.replace("0.9451", "0.9999")) == text != text.replace("0.9451", "0.9999")
