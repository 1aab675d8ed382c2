"""The routes, each also under /api, and what surrounds every request."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from safelight.simulator import routes, uploads, viewing
from safelight.simulator.keys import SERVER, AnyHandler
from safelight.simulator.sockets import FEATURES

__all__ = ["SERVER", "application"]

GET: dict[str, AnyHandler] = {
    "/ws": routes.websocket,
    "/prompt": routes.get_prompt,
    "/queue": routes.get_queue,
    "/history": routes.get_history,
    "/history/{prompt_id}": routes.get_history_of,
    "/object_info": routes.object_info,
    "/object_info/{name}": routes.object_info_of,
    "/system_stats": routes.system_stats,
    "/features": routes.features,
    "/models": routes.models,
    "/models/{folder}": routes.models_of,
    "/embeddings": routes.embeddings,
    "/view": viewing.view,
}
POST: dict[str, AnyHandler] = {
    "/prompt": routes.post_prompt,
    "/queue": routes.post_queue,
    "/history": routes.post_history,
    "/interrupt": routes.interrupt,
    "/free": routes.free,
    "/upload/image": uploads.upload_image,
    "/upload/mask": uploads.upload_mask,
}


def application() -> web.Application:
    """The application of one server, which is put in under SERVER."""
    app = web.Application(
        middlewares=[_only_own_origin], client_max_size=int(FEATURES["max_upload_size"])
    )
    for prefix in ("", "/api"):
        for path, handler in GET.items():
            app.router.add_get(prefix + path, handler)
        for path, handler in POST.items():
            app.router.add_post(prefix + path, handler)
    app.router.add_get("/simulator/renderings", routes.renderings)
    app.router.add_get("/simulator/faults", routes.get_faults)
    app.router.add_post("/simulator/faults", routes.post_faults)
    app.router.add_get("/{anything:.*}", _nowhere)
    return app


async def _nowhere(_: web.Request) -> web.Response:
    """The real server looks for a file of its page here, and answers so when there is none."""
    return web.Response(status=404, headers={"Content-Type": "application/octet-stream"})


@web.middleware
async def _only_own_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    if _is_foreign(request.headers.get("Host"), request.headers.get("Origin")):
        return web.Response(status=403)
    if request.method == "OPTIONS":
        return web.Response()
    return await handler(request)


def _is_foreign(host: str | None, origin: str | None) -> bool:
    """Whether a page of another site asks a server that only its own machine should reach."""
    if not host or not origin:
        return False
    own, other = urlsplit(f"//{host.lower()}"), urlsplit(origin.lower())
    if not _is_loopback(own.hostname) or not other.hostname:
        return False
    if own.hostname != other.hostname:
        return True
    return own.port is not None and other.port is not None and own.port != other.port


def _is_loopback(name: str | None) -> bool:
    return name is not None and (name in ("localhost", "::1") or name.startswith("127."))
