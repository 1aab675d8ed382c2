"""The official Python SDK, and what its answers show."""

from __future__ import annotations

import base64
import io
from typing import Any

from openai import AsyncOpenAI, OpenAI
from openai.types import ImagesResponse
from PIL import Image

from tests.processes import Serving

PREFIX = "/openai/v1"


def client_of(url: str, key: str = "none", **options: Any) -> OpenAI:
    """A client as anybody makes one; close it."""
    return OpenAI(base_url=url + PREFIX, api_key=key, **options)


def async_client_of(url: str, key: str = "none", **options: Any) -> AsyncOpenAI:
    """The same for coroutines."""
    return AsyncOpenAI(base_url=url + PREFIX, api_key=key, **options)


def pictures(answer: ImagesResponse) -> list[bytes]:
    """The files in an answer."""
    return [base64.b64decode(one.b64_json or "", validate=True) for one in answer.data or []]


def format_of(data: bytes) -> str:
    """What a file is, once it was decoded."""
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return str(image.format)


def batches(serving: Serving, user: str) -> list[Any]:
    """What was ordered for a user, newest first."""
    found: list[Any] = serving.get(f"/v1/batches?user={user}")["data"]
    return found


def extra(model: Any, name: str) -> Any:
    """A field the SDK does not know and keeps."""
    return (model.model_extra or {})[name]
