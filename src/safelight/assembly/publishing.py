"""The publishers, made from the settings, and how each wants to be used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from safelight.core.delivering import doubling
from safelight.core.errors import SettingsError
from safelight.core.placing import PlaceTemplate
from safelight.publishers import bucket, bunny, cloudinary
from safelight.publishers.base import Publisher
from safelight.publishers.bucket_objects import open_target
from safelight.settings import PublisherEntry, Settings


@dataclass(frozen=True, slots=True)
class Use:
    """What an operator says of a publisher, whatever its kind."""

    schedule: tuple[float, ...]  # s before each further try
    concurrency: int  # copies sent at once, by each worker
    keep_metadata: bool  # the prompt and the graph stay in its copies
    index_txt: bool  # it keeps an index.txt of each series


def make_publishers(settings: Settings) -> dict[str, Publisher]:
    """By name, in the order of the settings. Nothing is asked over the network.

    Raises:
        SettingsError: a bucket's url cannot be opened, or a folder not made.
    """
    return {name: make_publisher(name, entry) for name, entry in settings.publishers.items()}


def uses(settings: Settings) -> dict[str, Use]:
    """How each of them is to be used, by name."""
    return {
        name: Use(
            doubling() if entry.retry_schedule is None else entry.retry_schedule,
            entry.concurrency,
            entry.keep_metadata,
            entry.index_txt,
        )
        for name, entry in settings.publishers.items()
    }


def make_publisher(name: str, entry: PublisherEntry) -> Publisher:
    """One of them. Raises `SettingsError`."""
    try:
        return PUBLISHERS[entry.kind](name, **_OPTIONS[entry.kind](entry))
    except ValueError as error:
        raise SettingsError(f"publishers.{name}: {error}") from None


def _cloudinary(entry: PublisherEntry) -> Mapping[str, Any]:
    return {
        "cloud_name": entry.cloud_name,
        "api_key": entry.api_key,
        "api_secret": entry.api_secret.get_secret_value() if entry.api_secret else "",
        "public_id": PlaceTemplate(entry.public_id or cloudinary.DEFAULT_PUBLIC_ID),
        "upload_prefix": entry.upload_prefix or cloudinary.DEFAULT_PREFIX,
        "folder_mode": entry.folder_mode or "fixed",
        "eager": entry.eager or (),
    }


def _bunny(entry: PublisherEntry) -> Mapping[str, Any]:
    return {
        "zone": entry.zone,
        "access_key": entry.access_key.get_secret_value() if entry.access_key else "",
        "public_url": entry.public_url,
        "path": PlaceTemplate(entry.path or bunny.DEFAULT_PATH),
        "endpoint": entry.endpoint or bunny.DEFAULT_ENDPOINT,
    }


def _bucket(entry: PublisherEntry) -> Mapping[str, Any]:
    return {
        "target": open_target(entry.url.get_secret_value() if entry.url else ""),
        "public_url": entry.public_url,
        "path": PlaceTemplate(entry.path or bucket.DEFAULT_PATH),
        "cache_control": entry.cache_control or bucket.DEFAULT_CACHE_CONTROL,
    }


# The publishers there are, by their kind, and what each is made of.
PUBLISHERS: Final[Mapping[str, Callable[..., Publisher]]] = {
    "cloudinary": cloudinary.Cloudinary,
    "bunny": bunny.Bunny,
    "bucket": bucket.Bucket,
}
_OPTIONS: Final[Mapping[str, Callable[[PublisherEntry], Mapping[str, Any]]]] = {
    "cloudinary": _cloudinary,
    "bunny": _bunny,
    "bucket": _bucket,
}
