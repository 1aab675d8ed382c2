"""What the routes work with, put into the application's state by `create_app`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

from starlette.requests import Request

from safelight.api.answers import Namer
from safelight.core.rights import ANYBODY, NOBODY
from safelight.gateway import Gateway


@dataclass(frozen=True, slots=True)
class Context:
    """The way down, and how images are called."""

    gateway: Gateway
    name: Namer


def context_of(request: Request) -> Context:
    """The context of the application that answers this request, for whoever sent it."""
    context = cast(Context, request.app.state.context)
    rights = request.scope.get("safelight.rights", NOBODY)
    return (
        context if rights is ANYBODY else replace(context, gateway=context.gateway.seen_by(rights))
    )
