"""Queue, history, prompts and what a server tells about itself.

Input is used as naively as the real server uses it: what it stumbles over here becomes the same
500 there, because both leave it to aiohttp.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from typing import Any

from aiohttp import web

from safelight.simulator.keys import server_of
from safelight.simulator.sockets import FEATURES, json_text
from safelight.simulator.validation import problem, validate

VERSION = "0.3.64"
NO_PROMPT = problem("no_prompt", "No prompt provided", "No prompt provided")


def answer(value: Any, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.json_response(value, status=status, dumps=json_text)


async def websocket(request: web.Request) -> web.StreamResponse:
    """/ws: events of one client's prompts."""
    life = server_of(request).life
    sid = request.query.get("clientId") or uuid.uuid4().hex
    return await life.sockets.serve(request, sid, life.hello)


async def post_prompt(request: web.Request) -> web.Response:
    """POST /prompt: validate and enqueue."""
    server = server_of(request)
    life = server.life
    body = await request.json()
    number = _number(body, life)
    if "prompt" not in body:
        return answer({"error": NO_PROMPT, "node_errors": {}}, 400)
    if server.faults.rejects():
        refusal = problem("invalid_prompt", "Refused by a simulated fault", "reject")
        return answer({"error": refusal, "node_errors": {}}, 400)
    graph = body["prompt"]
    prompt_id = str(body.get("prompt_id", uuid.uuid4()))
    targets = body.get("partial_execution_targets")
    verdict = validate(server.catalog, graph, targets, server.folders.inputs())
    extra_data = body.get("extra_data", {})
    if "client_id" in body:
        extra_data["client_id"] = body["client_id"]
    if verdict.error is not None:
        return answer({"error": verdict.error, "node_errors": verdict.node_errors}, 400)
    life.queue.put((number, prompt_id, graph, extra_data, verdict.outputs))
    accepted = {"prompt_id": prompt_id, "number": number, "node_errors": verdict.node_errors}
    return answer(accepted)


def _number(body: Any, life: Any) -> float:
    if "number" in body:
        return float(body["number"])
    number: int = -life.number if _is_set(body, "front") else life.number
    life.number += 1
    return number


def _is_set(body: Any, name: str) -> bool:
    """Whether a field is there and true; a list or a text has no fields, and that is no error."""
    return bool(body[name]) if name in body else False


async def get_prompt(request: web.Request) -> web.Response:
    """GET /prompt: how many are pending or running."""
    queue = server_of(request).life.queue
    return answer({"exec_info": {"queue_remaining": queue.remaining()}})


async def get_queue(request: web.Request) -> web.Response:
    """GET /queue: what runs and what waits, with the graphs."""
    running, pending = server_of(request).life.queue.shown()
    return answer({"queue_running": running, "queue_pending": pending})


async def post_queue(request: web.Request) -> web.Response:
    """POST /queue: clear, or delete by id."""
    queue = server_of(request).life.queue
    body = await request.json()
    if _is_set(body, "clear"):
        queue.wipe()
    if "delete" in body:
        for prompt_id in body["delete"]:
            queue.delete(prompt_id)
    return web.Response()


async def get_history(request: web.Request) -> web.Response:
    """GET /history: what ended, oldest first."""
    given = request.query
    max_items = int(given["max_items"]) if "max_items" in given else None
    offset = int(given["offset"]) if "offset" in given else -1
    return answer(server_of(request).life.queue.history(max_items, offset))


async def get_history_of(request: web.Request) -> web.Response:
    """GET /history/{prompt_id}: one entry, or an empty object."""
    return answer(server_of(request).life.queue.history_of(request.match_info["prompt_id"]))


async def post_history(request: web.Request) -> web.Response:
    """POST /history: clear, or delete by id."""
    queue = server_of(request).life.queue
    body = await request.json()
    if _is_set(body, "clear"):
        queue.wipe_history()
    if "delete" in body:
        for prompt_id in body["delete"]:
            queue.delete_history(prompt_id)
    return web.Response()


async def interrupt(request: web.Request) -> web.Response:
    """POST /interrupt: stop this prompt if it runs, or whatever runs."""
    life = server_of(request).life
    try:
        body = await request.json()
    except json.JSONDecodeError:
        body = {}
    prompt_id = body.get("prompt_id")
    if not prompt_id or life.queue.is_running(prompt_id):
        life.studio.interrupt.set()
    return web.Response()


async def free(request: web.Request) -> web.Response:
    """POST /free: forget the node cache after the running prompt."""
    queue = server_of(request).life.queue
    body = await request.json()
    for name in ("unload_models", "free_memory"):
        if body.get(name, False):
            queue.set_flag(name)
    return web.Response()


async def object_info(request: web.Request) -> web.Response:
    """GET /object_info: every node class."""
    server = server_of(request)
    return answer({name: _shown(server, name) for name in server.catalog})


async def object_info_of(request: web.Request) -> web.Response:
    """GET /object_info/{class}: one node class, or an empty object."""
    server, name = server_of(request), request.match_info["name"]
    return answer({name: _shown(server, name)} if name in server.catalog else {})


def _shown(server: Any, name: str) -> dict[str, Any]:
    shown: dict[str, Any] = server.catalog[name].shown()
    if name == "LoadImage":
        shown["input"]["required"]["image"][0] = server.folders.inputs()
    return shown


async def system_stats(request: web.Request) -> web.Response:
    """GET /system_stats: a machine without a GPU."""
    page = os.sysconf("SC_PAGE_SIZE")
    total, free_now = page * os.sysconf("SC_PHYS_PAGES"), page * os.sysconf("SC_AVPHYS_PAGES")
    system = {
        "os": os.name,
        "ram_total": total,
        "ram_free": free_now,
        "comfyui_version": VERSION,
        "required_frontend_version": "1.27.10",
        "installed_templates_version": None,
        "required_templates_version": "0.1.95",
        "python_version": sys.version,
        "pytorch_version": "2.13.0+cpu",
        "embedded_python": False,
        "argv": ["simulator", "--port", str(server_of(request).port)],
    }
    device = {
        "name": "cpu",
        "type": "cpu",
        "index": None,
        "vram_total": total,
        "vram_free": free_now,
        "torch_vram_total": total,
        "torch_vram_free": free_now,
    }
    return answer({"system": system, "devices": [device]})


async def features(_: web.Request) -> web.Response:
    """GET /features: what can be negotiated."""
    return answer(FEATURES)


async def models(request: web.Request) -> web.Response:
    """GET /models: the folders."""
    return answer(list(server_of(request).models))


async def models_of(request: web.Request) -> web.Response:
    """GET /models/{folder}: the files of one."""
    files = server_of(request).models.get(request.match_info["folder"])
    return web.Response(status=404) if files is None else answer(sorted(files))


async def embeddings(request: web.Request) -> web.Response:
    """GET /embeddings: names as a prompt's text uses them."""
    return answer(sorted(server_of(request).models["embeddings"]))


async def renderings(request: web.Request) -> web.Response:
    """GET /simulator/renderings: the oracle. ComfyUI has no such thing."""
    return answer(server_of(request).renderings.shown())


async def get_faults(request: web.Request) -> web.Response:
    """GET /simulator/faults: how often each struck."""
    return answer(server_of(request).faults.struck)


async def post_faults(request: web.Request) -> web.Response:
    """POST /simulator/faults `{"oom": 1}`: other probabilities from now on."""
    server = server_of(request)
    try:
        server.faults.change(dict(await request.json()))
    except (ValueError, TypeError) as error:
        return answer({"error": str(error)}, 400)
    return answer(server.faults.struck)
