"""The sections of `safelight.toml` about publishers, `[publishers.NAME]`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from safelight.core.placing import PlaceTemplate
from safelight.settings.checks import header, is_loopback
from safelight.settings.fleet import Section
from safelight.settings.kinds import Address, BackendUrl, Header, Name, Seconds, StoreUrl, Whole

# What only one kind takes, and what it cannot do without.
_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "cloudinary": (
        *("cloud_name", "api_key", "api_secret", "upload_prefix", "public_id"),
        *("overwrite", "folder_mode", "eager"),
    ),
    "bunny": ("zone", "access_key", "endpoint", "public_url", "path"),
    "bucket": ("url", "public_url", "cache_control", "path"),
}
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "cloudinary": ("cloud_name", "api_key", "api_secret"),
    "bunny": ("zone", "access_key", "public_url"),
    "bucket": ("url", "public_url"),
}
_SECRETS: Final = ("api_secret", "access_key", "url")


def _template(text: str) -> str:
    return PlaceTemplate(text).text


def _never(value: object) -> object:
    if value not in (False, 0, "0", "false"):
        raise ValueError("only false: a published picture is never overwritten")
    return False


def _transformation(text: str) -> str:
    if not re.fullmatch(r"[!-{}~]{1,500}", text):
        raise ValueError(
            'expected transformations such as "c_fill,w_200", each an entry of its own'
        )
    return text


def _plain_header(text: str) -> str:
    header(text)
    if not text.strip():
        raise ValueError('expected a header such as "public, max-age=3600"')
    return text


def _bucket_url(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    try:
        # A "/", "?" or "#" in a password ends it early, and its rest would be shown as a path.
        torn = parts.port is not None or bool(parts.fragment)
        torn = torn or (parts.scheme != "file" and "@" in parts.path)
    except ValueError:
        torn = True
    if torn:
        raise ValueError('expected s3://key:secret@bucket/prefix, a "/" in the secret as %2F')
    folder = parts.scheme == "file" and not parts.netloc and parts.path.strip("/")
    if not folder and not (parts.scheme in ("s3", "gs", "az") and parts.hostname):
        raise ValueError("expected s3://bucket/prefix, gs://…, az://…, or file:///folder")
    return value


Template: TypeAlias = Annotated[str, AfterValidator(_template)]
Transformation: TypeAlias = Annotated[str, AfterValidator(_transformation)]
Wait: TypeAlias = Annotated[Seconds, Field(ge=0, le=604_800)]


class PublisherEntry(Section):
    """Where copies go, `[publishers.NAME]`."""

    kind: Literal["cloudinary", "bunny", "bucket"]
    """`cloudinary`, `bunny` (its storage) or `bucket`; left out: the section's NAME."""
    cloud_name: Name | None = None
    """Cloudinary: the product environment."""
    api_key: Name | None = None
    """Cloudinary: the key that goes with the secret."""
    api_secret: Header | None = None
    """Cloudinary: signs every upload. Also as `api_secret_file`."""
    upload_prefix: BackendUrl | None = None
    """Cloudinary: where its API is; left out: `https://api.cloudinary.com`."""
    public_id: Template | None = None
    """Cloudinary: what a copy is called; left out: `{user}/{character}/images/{stem}`."""
    overwrite: Annotated[Literal[False], BeforeValidator(_never)] | None = None
    """Cloudinary: only `false`; a published picture is never overwritten."""
    folder_mode: Literal["fixed", "dynamic"] | None = None
    """Cloudinary: that of the product environment; left out: `fixed`."""
    eager: tuple[Transformation, ...] | None = None
    """Cloudinary: transformations made ahead, `["c_fill,w_200"]`; left out: none."""
    zone: Name | None = None
    """Bunny: the storage zone."""
    access_key: Header | None = None
    """Bunny: the zone's password. Also as `access_key_file`."""
    endpoint: BackendUrl | None = None
    """Bunny: that of the zone's region; left out: `https://storage.bunnycdn.com`."""
    url: Annotated[StoreUrl, AfterValidator(_bucket_url)] | None = None
    """Bucket: `s3://…`, `gs://…`, `az://…`, `file:///…`, with a prefix. Also as `url_file`."""
    public_url: Address | None = None
    """Bunny, bucket: what the links to copies begin with."""
    path: Template | None = None
    """Bunny, bucket: what a copy is called; left out: `{user}/{character}/images/{name}`."""
    cache_control: Annotated[str, AfterValidator(_plain_header)] | None = None
    """Bucket: left out: `public, max-age=31536000, immutable`. Folders keep none."""
    keep_metadata: bool = False
    """Leave the prompt and the graph in the copies; else they are removed from what leaves."""
    index_txt: bool = False
    """Keep the highest reserved index of each series beside its copies, in `index.txt`."""
    concurrency: Whole = Field(4, ge=1, le=64)
    """How many copies are sent at once, by each worker."""
    retry_schedule: Annotated[tuple[Wait, ...], Field(max_length=1_000)] | None = None
    """Seconds before each further try, ±20 %; left out: 1, 2, 4, … to an hour, over a day."""

    @model_validator(mode="after")
    def _fits(self) -> PublisherEntry:
        self._check_keys()
        self._check_encrypted()
        return self

    def _check_keys(self) -> None:
        own, needed = _KEYS[self.kind], _NEEDED[self.kind]
        for key in sorted({key for keys in _KEYS.values() for key in keys}.difference(own)):
            if getattr(self, key) is not None:
                kinds = " and ".join(f'"{kind}"' for kind, keys in _KEYS.items() if key in keys)
                raise ValueError(f'{key} is for kind = {kinds}, and this is "{self.kind}"')
        for key in needed:
            if getattr(self, key) is None:
                also = f" or {key}_file" if key in _SECRETS else ""
                raise ValueError(f'kind = "{self.kind}" needs {key}{also}')

    def _check_encrypted(self) -> None:
        """A secret goes along, or a signature that lets others upload for an hour."""
        for key in ("upload_prefix", "endpoint"):
            parts = urlsplit(getattr(self, key) or "")
            if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
                raise ValueError(f"{key} must be https://, so that no secret goes in clear")


def named(entries: Any) -> Any:
    """A section named after a kind is of that kind."""
    if not isinstance(entries, Mapping):
        return entries
    return {
        name: {"kind": name, **entry} if isinstance(entry, Mapping) else entry
        for name, entry in entries.items()
    }
