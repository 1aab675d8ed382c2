"""The kinds of values that settings have: a type, and what is checked beyond it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from safelight.core.fairness import WEIGHT_MAX, WEIGHT_MIN
from safelight.settings.checks import (
    backend_url,
    database_url,
    duration,
    header,
    header_name,
    host,
    name,
    no_boolean,
    number,
    public_url,
    secret_url,
    slug,
    text,
    word,
)

Slug = Annotated[str, AfterValidator(slug)]
Name = Annotated[str, AfterValidator(name)]
Text = Annotated[str, AfterValidator(text)]
Word = Annotated[str, AfterValidator(word)]
Whole = Annotated[int, BeforeValidator(no_boolean)]
Weight = Annotated[
    float, BeforeValidator(number), Field(ge=WEIGHT_MIN, le=WEIGHT_MAX, allow_inf_nan=False)
]
Seconds = Annotated[float, BeforeValidator(duration), Field(allow_inf_nan=False)]
Host = Annotated[str, BeforeValidator(host)]
Address = Annotated[str, BeforeValidator(public_url)]
BackendUrl = Annotated[str, BeforeValidator(backend_url)]
HeaderName = Annotated[str, AfterValidator(header_name)]
Header = Annotated[SecretStr, BeforeValidator(header)]
DatabaseUrl = Annotated[SecretStr, BeforeValidator(database_url)]
StoreUrl = Annotated[SecretStr, BeforeValidator(secret_url)]
