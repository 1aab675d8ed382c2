"""worker-comfyui as a stand-in: what happens to one job's input at the worker behind an endpoint.

The graph is really painted, by the ComfyUI at `url`. Like the real handler it takes every picture
of every node that is not temporary, names no node, and never asks whether anything was drawn: for
a graph that ComfyUI answers from its cache it gives the old file again.
"""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp

T = TypeVar("T")
Upload = Callable[[str, str, bytes], str]


class Failed(Exception):
    """The handler gives an error and, maybe, details."""

    def __init__(self, error: str, details: list[str] | None = None) -> None:
        super().__init__(error)
        self.result = {"error": error, **({"details": details} if details else {})}


class Worker:
    """One worker with a ComfyUI of its own; `upload` is given when a bucket is configured."""

    def __init__(self, url: str, upload: Upload | None = None) -> None:
        self._url = url
        self._upload = upload

    async def handle(self, job: str, given: Any) -> dict[str, Any]:
        """What the handler returns for a job; a dict with `error` makes the job FAILED."""
        try:
            workflow, images = _validated(given)
            async with aiohttp.ClientSession(self._url) as comfyui:
                await _answering(lambda: _upload_inputs(comfyui, images))
                return await _answering(lambda: self._painted(comfyui, job, workflow))
        except Failed as failed:
            return failed.result

    async def _painted(
        self, comfyui: aiohttp.ClientSession, job: str, workflow: Any
    ) -> dict[str, Any]:
        queueing = asyncio.create_task(_queued(comfyui, workflow))
        try:
            history = await _history(comfyui, await asyncio.shield(queueing))
        except asyncio.CancelledError:  # RunPod stops the worker, and its ComfyUI with it
            await _stop(comfyui, await queueing)
            raise
        errors = _errors(history)
        pictures = []
        for node, output in history["outputs"].items():
            for image in output.get("images", []):
                if image["type"] == "temp":
                    continue
                data = await _viewed(comfyui, image)
                if data is None:
                    errors.append(f"Failed to fetch {image['filename']} of node {node}")
                    continue
                pictures.append(self._told(job, image["filename"], data))
        if not pictures and errors:
            raise Failed("Job processing failed", errors)
        if not pictures:
            return {"status": "success_no_images", "images": []}
        return {"images": pictures, **({"errors": errors} if errors else {})}

    def _told(self, job: str, filename: str, data: bytes) -> dict[str, str]:
        if self._upload is not None:
            return {
                "filename": filename,
                "type": "s3_url",
                "data": self._upload(job, filename, data),
            }
        return {"filename": filename, "type": "base64", "data": base64.b64encode(data).decode()}


def _validated(given: Any) -> tuple[Any, list[dict[str, str]]]:
    if not isinstance(given, dict):
        raise Failed("Please provide input")
    if given.get("workflow") is None:
        raise Failed("Missing 'workflow' parameter")
    images = given.get("images") or []
    if not all(isinstance(image, dict) and {"name", "image"} <= image.keys() for image in images):
        raise Failed("'images' must be a list of objects with 'name' and 'image' keys")
    return given["workflow"], images


async def _answering(ask: Callable[[], Awaitable[T]]) -> T:
    try:
        return await ask()
    except aiohttp.ClientError as error:
        raise Failed(f"HTTP communication error with ComfyUI: {type(error).__name__}") from None


async def _upload_inputs(comfyui: aiohttp.ClientSession, images: list[dict[str, str]]) -> None:
    for image in images:
        form = aiohttp.FormData({"overwrite": "true"})
        data = base64.b64decode(image["image"].rpartition(",")[2])
        form.add_field("image", data, filename=image["name"], content_type="image/png")
        async with comfyui.post("/upload/image", data=form) as answer:
            answer.raise_for_status()


async def _queued(comfyui: aiohttp.ClientSession, workflow: Any) -> str:
    body = {"prompt": workflow, "client_id": str(uuid.uuid4())}
    async with comfyui.post("/prompt", json=body) as answer:
        told = await answer.json()
        if answer.status == 400:
            raise Failed(_invalid(told))
        answer.raise_for_status()
        return str(told["prompt_id"])


def _invalid(told: dict[str, Any]) -> str:
    lines = [
        f"Node {node} ({kind}): {value}"
        for node, error in (told.get("node_errors") or {}).items()
        for kind, value in error.items()
    ]
    return "Workflow validation failed:\n" + "\n".join(f"• {line}" for line in lines)


async def _history(comfyui: aiohttp.ClientSession, prompt_id: str) -> dict[str, Any]:
    """The real handler listens to the websocket; asking again and again is as good here."""
    while True:
        async with comfyui.get(f"/history/{prompt_id}") as answer:
            answer.raise_for_status()
            told: dict[str, Any] = await answer.json()
        if prompt_id in told:
            entry: dict[str, Any] = told[prompt_id]
            return entry
        await asyncio.sleep(0.02)


def _errors(history: dict[str, Any]) -> list[str]:
    return [
        f"Workflow execution error: Node Type: {data['node_type']}, Node ID: {data['node_id']}, "
        f"Message: {data['exception_message']}"
        for kind, data in history["status"]["messages"]
        if kind == "execution_error"
    ]


async def _viewed(comfyui: aiohttp.ClientSession, image: dict[str, str]) -> bytes | None:
    query = {name: image[name] for name in ("filename", "subfolder", "type")}
    async with comfyui.get("/view", params=query) as answer:
        return await answer.read() if answer.status == 200 else None


async def _stop(comfyui: aiohttp.ClientSession, prompt_id: str) -> None:
    """Until it is gone: on its way from the queue to the sampler neither order would reach it."""
    while True:
        for path, order in (
            ("/queue", {"delete": [prompt_id]}),
            ("/interrupt", {"prompt_id": prompt_id}),
        ):
            async with comfyui.post(path, json=order):
                pass
        async with comfyui.get("/queue") as answer:
            if prompt_id not in await answer.text():
                return
        await asyncio.sleep(0.02)
