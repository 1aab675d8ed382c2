"""Characters, styles and workflows of the settings file, as records."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from safelight.core.errors import SettingsError
from tests.test_settings import loaded

WORKFLOWS = Path(__file__).parent / "workflows"


def test_the_catalogue_holds_what_the_file_says(tmp_path: Path) -> None:
    text = f"""
[workflows.quick]
file = "{WORKFLOWS / "quick.json"}"
exact_size = true
[styles.anime]
pool = "fast"
checkpoint = "diving.safetensors"
[characters.opal-fever]
name = "Opal Fever"
style = "anime"
workflow = "quick"
prompt = "a pirate captain"
loras = [{{ name = "gothic.safetensors", strength = 0.8 }}]
width = 1024
cfg = 8
[characters.mira]
"""
    catalogue = loaded(tmp_path, text).catalogue()
    opal = catalogue.characters["opal-fever"]
    assert (opal.id, opal.name, opal.style, opal.workflow) == (
        "opal-fever",
        "Opal Fever",
        "anime",
        "quick",
    )
    assert opal.loras[0].strength == 0.8
    assert (opal.parameters.width, opal.parameters.height, opal.parameters.cfg) == (1024, None, 8)
    assert catalogue.characters["mira"].name == "mira"
    assert catalogue.styles["anime"].pool == "fast"
    assert catalogue.workflows["quick"].graph == json.loads((WORKFLOWS / "quick.json").read_text())
    assert catalogue.workflows["quick"].exact_size


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{\n"1": }', "line 2: not JSON"),
        (b"[]", "quick.json: "),
        (b'{"nodes": [], "links": [], "version": 0.4}', "API"),
        (b'{"a": NaN}', "NaN is no JSON value"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b" " * 5_000_000, "larger than"),
    ],
)
def test_a_workflow_file_that_is_none(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "quick.json").write_bytes(content)
    settings = loaded(tmp_path, '[workflows.quick]\nfile = "quick.json"\n')
    with pytest.raises(SettingsError) as caught:
        settings.catalogue()
    assert caught.value.detail.startswith(f"workflows.quick: {tmp_path / 'quick.json'}: ")
    assert told in caught.value.detail


def test_a_missing_workflow_file(tmp_path: Path) -> None:
    settings = loaded(tmp_path, '[workflows.quick]\nfile = "quick.json"\n')
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        settings.catalogue()
