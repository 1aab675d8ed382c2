"""Ids, public names, store keys."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.core.errors import Invalid
from safelight.core.naming import (
    DEFAULT_TEMPLATE,
    ID_PATTERN,
    USER_PATTERN,
    NameTemplate,
    check_id,
    check_user,
    index_key,
    index_text,
    is_prompt_id,
    read_store_key,
    slugify,
    stem,
    store_key,
)

USERS = st.from_regex(USER_PATTERN, fullmatch=True)
IDS = st.from_regex(ID_PATTERN, fullmatch=True)
INDICES = st.integers(1, 10**9)
PROMPTS = st.uuids().map(str)


@pytest.mark.parametrize("user", ["a", "7", "areg", "a..b", "A.b_c-d", "x" * 64])
def test_users(user: str) -> None:
    assert check_user(user) == user


@pytest.mark.parametrize(
    "user", ["", ".", "..", "-a", "_a", "a/b", "a\\b", "a b", "a\n", "é", "a\x00", "x" * 65, "%2e"]
)
def test_no_users(user: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_user(user, "?user")
    assert caught.value.errors[0].pointer == "?user"
    assert caught.value.code == "bad-user"


@pytest.mark.parametrize("value", ["mira", "opal-fever", "7", "a--b", "a-", "x" * 64])
def test_ids(value: str) -> None:
    assert check_id(value, "/character") == value


@pytest.mark.parametrize("value", ["", "Mira", "../mira", "-a", "a_b", "a.b", "a\n", "x" * 65])
def test_ids_are_not_repaired(value: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_id(value, "/character")
    assert caught.value.errors[0].pointer == "/character"


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Opal Fever", "opal-fever"),
        ("  Mira!  ", "mira"),
        ("a_b.c", "a-b-c"),
        ("Zoë", "zo"),
        ("R2 D2", "r2-d2"),
    ],
)
def test_slugs(name: str, slug: str) -> None:
    assert slugify(name) == slug


@pytest.mark.parametrize("name", ["", "---", "日本", "x" * 65])
def test_names_without_a_slug(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        slugify(name)
    assert caught.value.errors[0].pointer == "/name"


@given(st.text(max_size=64))
def test_a_slug_is_an_id(name: str) -> None:
    try:
        slug = slugify(name)
    except Invalid:
        return
    assert check_id(slug, "") == slug
    assert slugify(slug) == slug


def test_the_default_name() -> None:
    name = DEFAULT_TEMPLATE.name("demo", "mira", 13)
    assert name == "demo_mira_image_00013_.png"
    assert stem(name) == "demo_mira_image_00013_"
    assert stem("x") == "x"
    assert DEFAULT_TEMPLATE.name("a", "b", 123456) == "a_b_image_123456_.png"


@pytest.mark.parametrize(
    "text",
    ["{index:01d}.png", "{character}-{index:09d}.png", "{user}{index:03d}_{index:03d}.png"],
)
def test_templates(text: str) -> None:
    assert NameTemplate(text).name("u", "c", 7).endswith(".png")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "same name"),
        ("{user}.png", "same name"),
        ("{index}.png", "with a width"),
        ("{index:5d}.png", "with a width"),
        ("{index:05x}.png", "with a width"),
        ("{index:0{user}d}.png", "with a width"),
        ("{index:099d}.png", "with a width"),
        ("{seed}_{index:05d}.png", "no field {seed}"),
        ("{}_{index:05d}.png", "no field {}"),
        ("{0}_{index:05d}.png", "no field {0}"),
        ("{user.__class__}_{index:05d}.png", "no field"),
        ("{user[0]}_{index:05d}.png", "no field"),
        ("{user!r}_{index:05d}.png", "neither"),
        ("{user:>64}_{index:05d}.png", "neither"),
        ("{index!s:05d}.png", "neither"),
        ("{user}/{index:05d}.png", "'/'"),
        ("a b{index:05d}.png", "letters"),
        ("{{{index:05d}.png", "letters"),
        ("é{index:05d}.png", "letters"),
        ("{index:05d.png", "cannot be used"),
        ("{index:05d}}.png", "cannot be used"),
        ("{index:05d}.jpg", "must end with .png"),
        (".{index:05d}.png", "begin with"),
        ("-{index:05d}.png", "begin with"),
        ("{user}{user}{user}_{index:05d}.png", "200 bytes"),
        ("x" * 190 + "{index:05d}.png", "200 bytes"),
    ],
)
def test_templates_that_are_refused(text: str, reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        NameTemplate(text, "/naming/template")
    assert caught.value.code == "bad-name-template"
    assert caught.value.errors[0].pointer == "/naming/template"
    assert reason in caught.value.detail


def test_names_too_long_for_a_file() -> None:
    with pytest.raises(Invalid):
        DEFAULT_TEMPLATE.name("x" * 300, "c", 1)


@given(USERS, IDS, INDICES, INDICES)
def test_every_admitted_name_is_safe_and_its_own(
    user: str, character: str, one: int, other: int
) -> None:
    name = DEFAULT_TEMPLATE.name(user, character, one)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*\.png", name)
    assert len(name) <= 200
    assert (name == DEFAULT_TEMPLATE.name(user, character, other)) is (one == other)


def test_names_may_look_alike_keys_do_not() -> None:
    assert DEFAULT_TEMPLATE.name("a_b", "c", 1) == "a_b_c_image_00001_.png"
    assert store_key("a", "b-c", 1, "p") != store_key("a-b", "c", 1, "p")
    assert store_key("a", "b_c", 1, "p") != store_key("a_b", "c", 1, "p")
    assert store_key("areg", "mira", 13, "p") == "areg/mira/00013-p.png"


def test_spellings_of_old_names() -> None:
    assert DEFAULT_TEMPLATE.spellings("areg", "mira", 13) == (
        "areg_mira_image_00013_.png",
        "areg_mira_image_0013_.png",
    )
    assert DEFAULT_TEMPLATE.spellings("areg", "mira", 100_001) == ("areg_mira_image_100001_.png",)
    three = NameTemplate("{index:03d}.png")
    assert three.spellings("areg", "mira", 7) == ("007.png", "00007.png", "0007.png")


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("areg_mira_image_00013_.png", 13),
        ("areg_mira_image_0013_.png", 13),
        ("areg_mira_image_99999_.png", 99_999),
        ("areg_mira_image_100001_.png", 100_001),
        ("areg_mira_image_1000000000000_.png", 10**12),
        ("areg_mira_image_1000000000001_.png", None),
        ("areg_mira_image_00000_.png", None),
        ("areg_mira_image_013_.png", None),
        ("areg_mira_image_000013_.png", None),
        ("areg_mira_image_-0004_.png", None),
        ("areg_mira_image_٠٠٠١٣_.png", None),
        ("areg_mira_image_00013_.png.bak", None),
        ("aregXmira_image_00013_.png", None),
        ("bob_mira_image_00013_.png", None),
        ("areg_mira_image_" + "0" * 5_000 + "_.png", None),
        ("", None),
    ],
)
def test_the_index_in_a_name(name: str, index: int | None) -> None:
    assert DEFAULT_TEMPLATE.index_of(name, "areg", "mira") == index


def test_a_name_with_two_indices_says_one() -> None:
    twice = NameTemplate("{index:05d}-{index:03d}.{user}.png")
    assert twice.index_of("00013-013.a.b.png", "a.b", "mira") == 13
    assert twice.index_of("00013-014.a.b.png", "a.b", "mira") is None
    assert twice.index_of("00013-013.axb.png", "a.b", "mira") is None


@given(USERS, IDS, INDICES)
def test_every_spelling_says_its_index(user: str, character: str, index: int) -> None:
    for name in DEFAULT_TEMPLATE.spellings(user, character, index):
        assert DEFAULT_TEMPLATE.index_of(name, user, character) == index


@given(USERS, IDS)
def test_the_index_file_is_no_picture(user: str, character: str) -> None:
    assert index_key(user, character) == f"{user}/{character}/index.txt"
    assert read_store_key(index_key(user, character)) is None
    assert index_text(13) == "13\n"


PLACES = st.tuples(USERS, IDS, INDICES, PROMPTS)


@given(PLACES, PLACES)
def test_keys_never_meet(one: tuple[str, str, int, str], other: tuple[str, str, int, str]) -> None:
    assert (store_key(*one) == store_key(*other)) is (one == other)


@given(st.text("ab_-", min_size=1, max_size=4), st.text("ab_-", min_size=1, max_size=4), PLACES)
def test_keys_of_neighbours_never_meet(
    user: str, character: str, place: tuple[str, str, int, str]
) -> None:
    _, _, index, prompt_id = place
    moved = (user + "_" + character[:1], character[1:] or "x")
    assert store_key(user, character, index, prompt_id) != store_key(*moved, index, prompt_id)


@given(USERS, IDS, INDICES, PROMPTS)
def test_a_key_says_whose_and_which_it_is(
    user: str, character: str, index: int, prompt: str
) -> None:
    assert read_store_key(store_key(user, character, index, prompt)) == (user, character, index)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "doctor/20edc183-8a5f-4c41-8e29-d2d3a8a3ad31",
        "areg/mira/0013-20edc183-8a5f-4c41-8e29-d2d3a8a3ad31.png",
        "areg/mira/00000-20edc183-8a5f-4c41-8e29-d2d3a8a3ad31.png",
        "areg/mira/000013-20edc183-8a5f-4c41-8e29-d2d3a8a3ad31.png",
        "areg/mira/9999999999999-20edc183-8a5f-4c41-8e29-d2d3a8a3ad31.png",
        "areg/mira/00013-20EDC183-8a5f-4c41-8e29-d2d3a8a3ad31.png",
        "areg/mira/00013-20edc183-8a5f-4c41-8e29-d2d3a8a3ad31.png.bak",
        "areg/Mira/00013-20edc183-8a5f-4c41-8e29-d2d3a8a3ad31.png",
        "../mira/00013-20edc183-8a5f-4c41-8e29-d2d3a8a3ad31.png",
        "deep/areg/mira/00013-20edc183-8a5f-4c41-8e29-d2d3a8a3ad31.png",
    ],
)
def test_what_is_no_key_of_ours(key: str) -> None:
    assert read_store_key(key) is None


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("20edc183-8a5f-4c41-8e29-d2d3a8a3ad31", True),
        ("20EDC183-8a5f-4c41-8e29-d2d3a8a3ad31", False),
        ("20edc1838a5f4c418e29d2d3a8a3ad31", False),
        ("front1", False),
        ("", False),
    ],
)
def test_a_prompt_id_of_ours_is_a_canonical_uuid(text: str, ours: bool) -> None:
    assert is_prompt_id(text) is ours
