"""The page on settings says what the model says."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from safelight.settings import Settings
from tests.test_settings import loaded

REFERENCE = Path(__file__).parent.parent / "docs" / "reference" / "settings.md"


def rows() -> list[str]:
    """The lines of the page's tables, from the model."""
    lines = []
    for section, field in Settings.model_fields.items():
        model = _section_model(field.annotation)
        for key, entry in getattr(model, "model_fields", {}).items():
            lines.append(f"| `{section}.{key}` | {_default(entry)} | {entry.description} |")
    return lines


def _section_model(annotation: Any) -> Any:
    while getattr(annotation, "__args__", None):
        arguments = [argument for argument in annotation.__args__ if argument is not Ellipsis]
        annotation = arguments[-1]
    return annotation


def _default(entry: Any) -> str:
    if entry.is_required():
        return "required"
    value = entry.get_default(call_default_factory=True)
    if value is None or value in ({}, (), ""):
        return "none"
    return f"`{json.dumps(value)}`"


def test_every_setting_stands_in_the_reference() -> None:
    page = REFERENCE.read_text()
    assert [line for line in page.splitlines() if line.startswith("| `")] == rows()


def test_the_example_of_the_reference_loads(tmp_path: Path) -> None:
    example = REFERENCE.read_text().split("```toml\n")[1].split("```")[0]
    tomllib.loads(example)
    loaded(tmp_path, example)
