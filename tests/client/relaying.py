"""Answers of a real server, handed on by a scripted one that can lose or break them."""

from __future__ import annotations

import aiohttp
from aiohttp import web

from tests.cli.scripted_server import Act, Answer, hangs_up

_HOP = {"connection", "content-length", "content-encoding", "transfer-encoding", "date", "server"}


def relays(url: str, *, loses: bool = False, breaks_after: int | None = None) -> Act:
    """Asks the server there and hands its answer on: not at all, or only so many bytes of it."""

    async def act(request: web.Request) -> Answer:
        sent = {k: v for k, v in request.headers.items() if k.lower() not in ("host", *_HOP)}
        body = await request.read()
        async with (
            aiohttp.ClientSession() as asking,
            asking.request(request.method, url + request.raw_path, headers=sent, data=body) as far,
        ):
            if loses:
                await far.read()
                return await hangs_up(request)
            return await _hand_on(request, far, breaks_after)

    return act


async def _hand_on(
    request: web.Request, far: aiohttp.ClientResponse, breaks_after: int | None
) -> Answer:
    headers = {k: v for k, v in far.headers.items() if k.lower() not in _HOP}
    near = web.StreamResponse(status=far.status, headers=headers)
    await near.prepare(request)
    left = breaks_after
    async for piece in far.content.iter_any():
        await near.write(piece if left is None else piece[:left])
        if left is not None:
            left -= len(piece)
            if left <= 0:
                return await hangs_up(request)
    return near
