"""The HTTP application: routes, problems and the envelope around them."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from safelight import __version__
from safelight.api import dialects, metrics, openapi, page, reference
from safelight.api.access import Access, Watcher
from safelight.api.auth import Doorkeeper
from safelight.api.context import Context
from safelight.api.envelope import Envelope
from safelight.api.native import (
    all_series,
    batches,
    characters,
    downloads,
    estimates,
    events,
    images,
    links,
    operations,
    publishers,
    series,
    session,
    stars,
    webhooks,
    workflows,
)
from safelight.api.openai import images as openai_images
from safelight.api.openai import models as openai_models
from safelight.core.errors import SafelightError
from safelight.core.naming import DEFAULT_TEMPLATE, NameTemplate
from safelight.core.records import Limits
from safelight.gateway import Gateway, Keyring

_ROUTERS = (
    batches,
    estimates,
    events,
    webhooks,
    images,
    stars,
    links,
    all_series,
    series,
    downloads,
    characters,
    workflows,
    publishers,
    session,
    operations,
    openai_images,
    openai_models,
    metrics,
    reference,
    page,
)


def create_app(
    gateway: Gateway,
    keyring: Keyring,
    *,
    public_url: str | None = None,
    limits: Limits | None = None,
    max_body: int = 1_048_576,
    name_template: NameTemplate = DEFAULT_TEMPLATE,
    watcher: Watcher | None = None,
) -> FastAPI:
    """An ASGI application that asks this gateway for whoever shows a key of this ring.

    `limits` are those the gateway plans with: here they only fill the OpenAPI document.
    `watcher` measures.
    """
    app = FastAPI(title="Safelight", version=__version__, docs_url=None, redoc_url=None)
    app.router.redirect_slashes = False
    page.load()
    app.state.public_url = public_url
    app.state.keyring = keyring
    app.state.context = Context(gateway, name_template.name)
    # Flat, not nested: a 405 has to find every method at an address.
    app.router.routes += [route for module in _ROUTERS for route in module.router.routes]
    app.add_exception_handler(SafelightError, dialects.on_refusal)
    app.add_exception_handler(HTTPException, dialects.on_http_exception)
    app.add_exception_handler(RequestValidationError, dialects.on_wrong_parameters)
    app.add_middleware(Doorkeeper, keyring=keyring)
    app.add_middleware(Envelope, max_body=max_body, public_url=public_url)
    app.add_middleware(Access, watcher=watcher)

    @cache
    def described() -> dict[str, Any]:
        return openapi.document(app, limits or Limits())

    app.openapi = described  # type: ignore[method-assign]
    return app
