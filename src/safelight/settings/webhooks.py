"""The section of `safelight.toml` about webhooks."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, model_validator

from safelight.core.reporting import SCHEDULE
from safelight.core.signing import check_secret
from safelight.settings.fleet import Section
from safelight.settings.kinds import Seconds


def _secret(value: SecretStr) -> SecretStr:
    check_secret(value.get_secret_value())
    return value


Secret = Annotated[SecretStr, AfterValidator(_secret)]
Wait = Annotated[Seconds, Field(gt=0, le=30 * 86_400)]


class Webhooks(Section):
    """How applications are told of what happens."""

    secret: Secret | None = None
    """Signs what a batch's own webhook is told, `whsec_…`. Also as `secret_file`."""
    old_secret: Secret | None = None
    """Signs too, while receivers learn the new one. Also as `old_secret_file`."""
    allow_private: bool = False
    """Webhooks may lead to loopback and private networks, and use plain http."""
    retry_schedule: Annotated[tuple[Wait, ...], Field(max_length=100)] = SCHEDULE
    """Seconds to wait after each failed try, a tenth more or less; after the last it is dead."""

    @model_validator(mode="after")
    def _old_beside_new(self) -> Webhooks:
        if self.old_secret is not None and self.secret is None:
            raise ValueError("old_secret stands beside the new secret; name both")
        return self

    def secrets(self) -> tuple[str, ...]:
        """What signs, the newest first."""
        given = (self.secret, self.old_secret)
        return tuple(one.get_secret_value() for one in given if one is not None)
