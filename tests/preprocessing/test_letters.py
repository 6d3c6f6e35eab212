"""Which part of a long text is told."""

from __future__ import annotations

import pytest

from alad.preprocessing.letters import LONGEST, shortened, tells_length, told_apart


def agent(version: int) -> str:
    return (
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/{version}.36 (KHTML, like Gecko) "
        "Chrome/115.0.0.0 Safari/537.36 and more of the same"
    )


@pytest.mark.parametrize("at", range(0, 160, 3))
def test_a_part_holds_the_letter_that_it_is_about_and_is_no_longer_than_that(at):
    text = "".join(chr(ord("Ā") + i) for i in range(150))
    told = shortened(text, at)
    assert len(told) <= LONGEST
    assert "…" in told
    assert at >= len(text) or text[at] in told
    assert (told[0], told[-1]) == (text[0], text[-1])


def test_what_is_short_is_told_whole():
    assert shortened("x" * LONGEST) == "x" * LONGEST
    assert told_apart(["a", "b", "a"]) == {"a": "a", "b": "b"}
    assert told_apart([]) == {}


def test_texts_differ_where_they_do():
    many = [agent(version) for version in range(500, 560)]
    told = told_apart(many)
    assert [*told] == many
    assert len({*told.values()}) == len(many)
    assert all(f"/{version}.36" in told[agent(version)] for version in range(500, 560))


def test_what_only_goes_on_is_told_with_its_length():
    told = told_apart(["A" * 300, "A" * 301])
    assert {text[-17:] for text in told.values()} == {" (300 characters)", " (301 characters)"}


def test_what_is_said_of_others_stays_and_makes_no_difference():
    one, others = agent(537), f"{agent(537)} or 12 others as frequent"
    told = told_apart([one, others])
    assert told[others] == f"{told[one]} or 12 others as frequent"


def test_lengths_are_expected_of_text():
    assert tells_length("~58 characters, ~6 words")
    assert not tells_length("58 characters")
    assert not tells_length(None)


def test_texts_that_differ_in_several_places_are_all_told_apart():
    begin = f"http://shop.example/catalogue/{40 * 'a'}"
    both = [(page, lang) for page in range(9) for lang in ("de", "en")]
    urls = [f"{begin}?page={page}&sort=price&view=list&lang={lang}" for page, lang in both]
    told = told_apart(urls)
    assert len(set(told.values())) == len(urls)
    assert max(map(len, told.values())) < 70
