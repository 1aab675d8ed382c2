"""Places of copies: no two pictures share one, and no template leads anywhere else."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from safelight.core.naming import DEFAULT_TEMPLATE, ID_PATTERN, USER_PATTERN
from safelight.core.placing import PlaceTemplate

GOOD = [
    ("{user}/{character}/images/{stem}", "u/c/images/u_c_image_00013_", "u/c/index.txt"),
    ("{user}/{character}/images/{name}", "u/c/images/u_c_image_00013_.png", "u/c/index.txt"),
    ("cdn/{character}/u-{user}/{index:05d}.png", "cdn/c/u-u/00013.png", "cdn/c/u-u/index.txt"),
    ("{user}/{character}/{user}-{index}", "u/c/u-13", "u/c/index.txt"),
    ("{index}/{user}/{character}", "13/u/c", "u/c/index.txt"),
    ("{user}/{index}/{character}", "u/13/c", "u/c/index.txt"),
    ("x/y/{user}/{stem}/{character}", "x/y/u/u_c_image_00013_/c", "u/c/index.txt"),
]
BAD = [
    ("", "1 to 500 characters"),
    ("x" * 501, "1 to 500 characters"),
    ("{user}/{character}", "all pictures would have one place"),
    ("{user}/{index}", "one part of the path must hold {character}"),
    ("{character}/{index}", "one part of the path must hold {user}"),
    ("{user}_{character}/{index}", "two series could meet"),
    ("{user}{user}/{character}/{index}", "two series could meet"),
    ("/{user}/{character}/{index}", "may be empty"),
    ("{user}//{character}/{index}", "may be empty"),
    ("{user}/{character}/{index}/", "may be empty"),
    ("{user}/../{character}/{index}", "may be empty, '.' or '..'"),
    ("{user}/./{character}/{index}", "may be empty, '.' or '..'"),
    ("{user}/{character}/a b/{index}", "holds more than letters"),
    ("{user}/{character}/%2e/{index}", "holds more than letters"),
    ("{user}/{character}/é{index}", "holds more than letters"),
    ("{user}/{character}/{{{index}", "holds more than letters"),
    ("{user}/{character}/{seed}", "there is no field {seed}"),
    ("{user.x}/{character}/{index}", "there is no field {user.x}"),
    ("{}/{character}/{index}", "there is no field {}"),
    ("{user}/{character}/{index", "expected '}'"),
    ("{user!r}/{character}/{index}", "takes no format"),
    ("{user:>9}/{character}/{index}", "takes no format"),
    ("{user}/{character}/{index:x}", "takes no format"),
    ("{user}/{character}/{index:05}", "takes no format"),
]
users = st.from_regex(USER_PATTERN, fullmatch=True).map(lambda user: user[:64])
characters = st.from_regex(ID_PATTERN, fullmatch=True)
pictures = st.tuples(users, characters, st.integers(1, 10**12))


@pytest.mark.parametrize(("text", "place", "index_place"), GOOD)
def test_a_place_is_made_of_who_and_which(text: str, place: str, index_place: str) -> None:
    template = PlaceTemplate(text)
    assert template.place("u", "c", 13, DEFAULT_TEMPLATE.name("u", "c", 13)) == place
    assert template.index_place("u", "c") == index_place


@pytest.mark.parametrize(("text", "told"), BAD)
def test_a_template_that_is_not_safe_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError) as caught:
        PlaceTemplate(text)
    assert told in str(caught.value)


@given(st.sampled_from([PlaceTemplate(text) for text, _, _ in GOOD]), pictures, pictures)
def test_no_two_pictures_share_a_place(
    template: PlaceTemplate, one: tuple[str, str, int], other: tuple[str, str, int]
) -> None:
    assume(one != other)
    places = {template.place(*picture, DEFAULT_TEMPLATE.name(*picture)) for picture in (one, other)}
    assert len(places) == 2
    series = {picture[:2] for picture in (one, other)}
    assert len({template.index_place(*which) for which in series}) == len(series)
