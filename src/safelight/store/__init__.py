"""Where the originals are kept: a local folder, or a bucket of S3, Google or Azure.

    store = open_store(None, Path("originals"))
    await store.put("mira/opal-fever/00001-1f0c….png", data)
    data = await store.get("mira/opal-fever/00001-1f0c….png")

Every original is written once and never again, but where an audit mends what was damaged. Errors,
by who must act:

    StoreError
      KeyTaken       the caller: the key holds an object already
      KeyMissing     the caller: the key holds none
      StoreFull      the operator: no space left, or a quota is used up
      StoreAway      the operator, or time: not reachable, or access denied
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from obstore.store import from_url

from safelight.store.folder import FolderStore
from safelight.store.objects import (
    CHUNK,
    KeyMissing,
    KeyTaken,
    Listed,
    Store,
    StoreAway,
    StoreError,
    StoreFull,
    translated,
)

__all__ = [
    "CHUNK",
    "KeyMissing",
    "KeyTaken",
    "Listed",
    "Store",
    "StoreAway",
    "StoreError",
    "StoreFull",
    "open_store",
]

_BUCKETS = ("s3", "gs", "az")


def open_store(url: str | None, folder: Path) -> Store:
    """The store a URL names: `s3://bucket/prefix`, `gs://…`, `az://…`, `file:///folder`.

    None is the local `folder`. Buckets take their credentials and endpoint from the environment
    (`AWS_…`, `GOOGLE_…`, `AZURE_…`). Raises ValueError for another URL, StoreAway where the
    folder cannot be made or the credentials are not complete.
    """
    parts = urlsplit(url or "")
    if parts.scheme in ("s3", "gs", "az") and parts.netloc:
        name = f"{parts.scheme}://{parts.hostname}{parts.path}"
        with translated(name):
            patience = timedelta(seconds=10)
            objects = from_url(str(url), retry_config={"max_retries": 3, "retry_timeout": patience})
            return Store(objects, name)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        folder = Path(unquote(parts.path))
    elif url:
        raise ValueError("A store is s3://bucket/prefix, gs://…, az://…, or file:///folder.")
    return FolderStore(folder.absolute())
