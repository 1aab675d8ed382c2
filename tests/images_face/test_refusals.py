"""What is refused, and how the SDK tells it: its own exceptions, with code and param."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest
from openai import OpenAI

from tests.images_face.sdk import client_of, pictures
from tests.processes import Processes, Serving
from tests.story.test_keys import made


@contextmanager
def refused(kind: type[openai.APIStatusError], code: str, param: str | None) -> Iterator[None]:
    """The SDK raises this, and it says so."""
    with pytest.raises(kind) as caught:
        yield
    error = caught.value
    assert (error.code, error.param) == (code, param), error
    assert isinstance(error.body, dict)
    assert set(error.body) == {"message", "type", "param", "code"}
    assert error.request_id


ORDERS: list[tuple[dict[str, Any], str, str]] = [
    ({"n": 0}, "invalid_value", "n"),
    ({"n": 1000}, "invalid_value", "n"),
    ({"n": 2.5}, "invalid_value", "n"),
    ({"n": True}, "invalid_value", "n"),
    ({"n": "2"}, "invalid_value", "n"),
    ({"prompt": "x" * 20_001}, "invalid_value", "prompt"),
    ({"prompt": "a\0b"}, "invalid_value", "prompt"),
    ({"prompt": 7}, "invalid_value", "prompt"),
    ({"size": "big"}, "invalid_value", "size"),
    ({"size": "9x9"}, "invalid_value", "size"),
    ({"size": "512x99999"}, "invalid_value", "size"),
    ({"quality": "ultra"}, "invalid_value", "quality"),
    ({"output_format": "gif"}, "invalid_value", "output_format"),
    ({"output_format": "webp", "output_compression": 101}, "invalid_value", "output_compression"),
    ({"output_compression": 50}, "invalid_value", "output_compression"),
    ({"output_format": "webp", "response_format": "url"}, "invalid_value", "output_format"),
    ({"response_format": "file"}, "invalid_value", "response_format"),
    ({"response_format": "url", "stream": True}, "invalid_value", "response_format"),
    ({"background": "transparent"}, "invalid_value", "background"),
    ({"partial_images": 2}, "invalid_value", "partial_images"),
    ({"partial_images": 4, "stream": True}, "invalid_value", "partial_images"),
    ({"user": "an address@example"}, "invalid_value", "user"),
    ({"user": ["ann"]}, "invalid_value", "user"),
    ({"seed": -1}, "invalid_value", "seed"),
    ({"metadata": "text"}, "invalid_value", "metadata"),
    ({"negative_prompt": "x"}, "invalid_value", "negative_prompt"),
    ({"stream": "yes"}, "invalid_value", "stream"),
    ({"model": None}, "missing_required_parameter", "model"),
]


@pytest.mark.parametrize(("wrong", "code", "param"), ORDERS, ids=lambda one: str(one)[:40])
def test_a_wrong_order_is_a_bad_request_that_names_the_field(
    client: OpenAI, wrong: dict[str, Any], code: str, param: str
) -> None:
    """Also with `stream`: it has not begun."""
    body = {"model": "mira", "prompt": "x", **wrong}
    with refused(openai.BadRequestError, code, param):
        client.post("/images/generations", body=body, cast_to=object)


def test_nothing_is_as_good_as_left_out(client: OpenAI) -> None:
    """Every optional field may be null."""
    names = "n size quality response_format output_format output_compression background user"
    names += " moderation stream partial_images safety_identifier seed negative_prompt metadata"
    names += " character cancel_on_disconnect"
    body = {"model": "mira", "prompt": "x", **dict.fromkeys(names.split())}
    answer: Any = client.post("/images/generations", body=body, cast_to=object)
    assert len(answer["data"]) == 1


def test_a_model_nobody_knows_is_not_found(client: OpenAI) -> None:
    for model in ("gpt-image-2.5", "nobody", "Mira", "../mira"):
        with refused(openai.NotFoundError, "model_not_found", "model"):
            client.images.generate(model=model, prompt="x")
    with refused(openai.NotFoundError, "model_not_found", "model"):
        client.models.retrieve("nobody")


def test_a_key_used_for_something_else_is_refused(client: OpenAI, user: str) -> None:
    headers = {"Idempotency-Key": f"again-{user}"}
    client.images.generate(model="mira", prompt="x", user=user, extra_headers=headers)
    with refused(openai.UnprocessableEntityError, "idempotency_key_reused", None):
        client.images.generate(model="mira", prompt="y", user=user, extra_headers=headers)


def test_what_is_not_offered_says_so(client: OpenAI) -> None:
    """However large the picture is: it is not even read. Variations are as unknown as any other
    address."""
    for size in (100, 3_000_000):
        with refused(openai.BadRequestError, "not_offered", None):
            client.images.edit(model="mira", prompt="x", image=("a.png", b"x" * size))
    with (
        pytest.warns(DeprecationWarning, match="deprecated"),
        refused(openai.NotFoundError, "unknown_url", None),
    ):
        client.images.create_variation(image=("a.png", b"x"))


def ask(
    face: Serving, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, dict[str, str], Any]:
    """Status, headers and document of an answer."""
    connection = http.client.HTTPConnection(urlsplit(face.url).netloc, timeout=30)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, named, json.loads(answer.read())
    finally:
        connection.close()


GENERATIONS = "/openai/v1/images/generations"


def test_every_error_under_this_address_is_in_this_dialect(face: Serving) -> None:
    """Whoever raises it: the route, the router, the envelope."""
    found = [
        ask(face, "GET", "/openai/v1/nothing"),
        ask(face, "GET", "/openai"),
        ask(face, "GET", GENERATIONS),
        ask(face, "POST", GENERATIONS, b"{"),
        ask(face, "POST", GENERATIONS, b"\xff"),
        ask(face, "POST", GENERATIONS, b"[" * 40 + b"]" * 40),
        ask(face, "POST", GENERATIONS, b"", **{"content-length": "2000000"}),
        ask(face, "POST", GENERATIONS, b"{}", origin="http://elsewhere.example"),
        ask(face, "GET", "/openai/v1/models", host="a b"),
    ]
    assert [status for status, _, _ in found] == [404, 404, 405, 400, 400, 400, 413, 403, 400]
    for _, headers, document in found:
        assert headers["content-type"] == "application/json"
        assert headers["x-request-id"]
        assert set(document["error"]) == {"message", "type", "param", "code"}
    assert found[2][1]["allow"] == "POST"


def test_a_wrong_key_and_one_that_reaches_less(processes: Processes) -> None:
    """A wrong key is no authentication; a key for one character knows no other; a key for one user
    orders for that one, without being told."""
    serving = processes.serve([processes.simulate().url])
    ann, mira = made(processes, "user:ann"), made(processes, "character:mira")
    with client_of(serving.url, "slk_wrong") as client:
        for call in (lambda: client.models.list(), lambda: client.models.retrieve("mira")):
            with refused(openai.AuthenticationError, "invalid_api_key", None):
                call()
        with refused(openai.AuthenticationError, "invalid_api_key", None):
            client.images.generate(model="mira", prompt="x")
    with client_of(serving.url, ann) as client:
        assert len(pictures(client.images.generate(model="mira", prompt="x"))) == 1
        with refused(openai.PermissionDeniedError, "permission_denied", None):
            client.images.generate(model="mira", prompt="x", user="bob")
    with client_of(serving.url, mira) as client:
        assert [model.id for model in client.models.list()] == ["mira"]
        for ask_for in (
            lambda: client.models.retrieve("opal-fever"),
            lambda: client.images.generate(model="opal-fever", prompt="x"),
        ):
            with refused(openai.NotFoundError, "model_not_found", "model"):
                ask_for()
