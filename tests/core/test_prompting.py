"""The words that are drawn."""

from __future__ import annotations

import pytest

from safelight.core.errors import Invalid
from safelight.core.prompting import check_embedding, texts
from safelight.core.records import Character, Order, Style

STYLE = Style("anime", prompt="masterpiece, best quality", negative_prompt="jpeg artifacts")
MIRA = Character(
    "mira",
    "Mira",
    prompt="a pirate captain",
    negative_prompt="lowres",
    embedding="opal_fever_v2",
)


def order(prompt: str = "on a ship", negative: str | None = None, **more: str) -> Order:
    return Order("areg", "mira", prompt, 1, negative_prompt=negative, **more)  # type: ignore[arg-type]


def test_order_of_the_parts() -> None:
    positive, negative = texts(MIRA, STYLE, order(negative="blurry"))
    assert positive == (
        "masterpiece, best quality, embedding:opal_fever_v2, a pirate captain, on a ship"
    )
    assert negative == "jpeg artifacts, lowres, blurry"


def test_empty_parts_are_left_out() -> None:
    nobody = Character("x", "X")
    assert texts(nobody, None, order("")) == ("", "")
    assert texts(nobody, Style("s"), order(" ,")) == ("", "")
    assert texts(nobody, STYLE, order("")) == ("masterpiece, best quality", "jpeg artifacts")


def test_commas_at_the_joints_are_not_doubled() -> None:
    style = Style("s", prompt="masterpiece,\n")
    assert texts(Character("x", "X"), style, order(", a cat, ,"))[0] == "masterpiece, a cat"
    assert texts(Character("x", "X"), None, order("a (cat:1.2), b"))[0] == "a (cat:1.2), b"


def test_the_requests_embedding_takes_the_place_of_the_characters() -> None:
    positive, _ = texts(MIRA, None, order(embedding="sub/other.pt"))
    assert positive == "embedding:sub/other.pt, a pirate captain, on a ship"


@pytest.mark.parametrize("name", ["a", "opal_fever_v2", "EasyNegative.safetensors", "a/b-1/c.pt"])
def test_names_of_embeddings(name: str) -> None:
    assert check_embedding(name, "/embedding") == name


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", "a b", "a,b", "a:1.2", "(a)", "../a", "a/../b", "/a", "a/", "a//b", ".a"),
        *("a..b", "a\\b", "a\n", "a\x00", "é", "a" * 201, "-a"),
    ],
)
def test_names_that_are_no_token(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        texts(MIRA, None, order(embedding=name))
    assert caught.value.errors[0].pointer == "/embedding"
    assert caught.value.code == "bad-embedding"


def test_a_bad_name_in_the_catalogue_is_the_characters() -> None:
    with pytest.raises(Invalid) as caught:
        texts(Character("x", "X", embedding="a b"), None, order())
    assert caught.value.errors[0].pointer == "/character"
