"""The sections of `safelight.toml` about render servers, and what all sections share."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from safelight.settings.backends import fitting
from safelight.settings.kinds import BackendUrl, Header, HeaderName, Name, Seconds, Whole


class Section(BaseModel):
    """What all sections share: nothing unknown, nothing changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Backend(Section):
    """One render server; `[[backends]]` may be repeated."""

    name: Name
    """What it is called in answers and logs."""
    kind: Literal["comfyui", "runpod"] = "comfyui"
    """What is there: a ComfyUI, or a RunPod serverless endpoint that runs worker-comfyui."""
    url: BackendUrl
    """Where ComfyUI listens, may carry a path; or `https://api.runpod.ai/v2/ENDPOINT`."""
    pool: Name = "default"
    """Backends of one pool run the same workflows."""
    slots: Whole = Field(2, ge=1, le=64)
    """How many prompts it holds at once: one rendering, one ahead."""
    token: Header | None = None
    """Sent as `Authorization: Bearer …`. Also as `token_file`."""
    headers: dict[HeaderName, Header] = Field(default_factory=dict)
    """Sent with every request, for proxies; their values are secrets."""
    ttl: Seconds | None = Field(None, ge=10, le=604_800)
    """RunPod only: seconds a job may live, waiting and running; left out: 600."""
    execution_timeout: Seconds | None = Field(None, gt=5, le=604_800)
    """RunPod only: seconds a job may run; left out: 300."""

    @model_validator(mode="after")
    def _fits(self) -> Backend:
        fitting(self)
        return self


class Pool(Section):
    """What is true of all backends of a pool, `[pools.NAME]`."""

    shared_output: bool = False
    """Its servers write to one folder, where a file may be seen late: it is looked for twice."""
