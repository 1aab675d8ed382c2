"""Where absolute links begin."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request

from safelight.api.links import base_of, file_url, thumbnail_url
from tests.api.asking import Server


def request(public_url: str | None = None, **scope: Any) -> Request:
    app = Starlette()
    app.state.public_url = public_url
    return Request({"type": "http", "scheme": "http", "headers": [], "app": app, **scope})


@pytest.mark.parametrize(
    ("asked", "base"),
    [
        (request("https://pub.example/s", headers=[(b"host", b"h")]), "https://pub.example/s"),
        (request(headers=[(b"host", b"h:8080")]), "http://h:8080"),
        (request(scheme="https", headers=[(b"host", b"[::1]")]), "https://[::1]"),
        (request(server=("10.0.0.1", 80)), "http://10.0.0.1:80"),
        (request(server=("::1", 8080)), "http://[::1]:8080"),
    ],
)
def test_the_public_url_then_the_host_then_the_address(asked: Request, base: str) -> None:
    assert base_of(asked) == base


def test_links_are_below_the_base() -> None:
    assert file_url("http://h/p", "id") == "http://h/p/v1/images/id/file"
    assert thumbnail_url("http://h/p", "id") == "http://h/p/v1/images/id/thumbnail"


def test_a_client_without_a_host_gets_the_address_it_asked(server: Server) -> None:
    server.batch()
    answer = server.raw(b"GET /v1/batches?limit=1 HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert f'"url":"{server.url}/v1/images/'.encode() in answer
