"""What the settings say of the log and of traces, and which of them are secrets."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from safelight.settings import secrets_of
from tests.test_settings import complaint, loaded

USUAL = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


def test_without_being_told_nothing_is_traced(tmp_path: Path) -> None:
    settings = loaded(tmp_path)
    assert settings.tracing.endpoint is None
    assert (settings.logs.format, settings.logs.number) == (None, logging.INFO)


def test_the_variable_that_many_programs_read_is_read_last(tmp_path: Path) -> None:
    """It was said to all of them; what was said to us is nearer."""
    assert loaded(tmp_path, environ=USUAL).tracing.endpoint == "http://collector:4318"
    assert loaded(tmp_path, environ={"OTEL_EXPORTER_OTLP_ENDPOINT": ""}).tracing.endpoint is None
    text = '[tracing]\nendpoint = "https://ours.example/otlp/"\n'
    assert loaded(tmp_path, text, USUAL).tracing.endpoint == "https://ours.example/otlp"
    nearest = {**USUAL, "SAFELIGHT_TRACING__ENDPOINT": "http://nearest:4318"}
    assert loaded(tmp_path, text, nearest).tracing.endpoint == "http://nearest:4318"


def test_a_bad_endpoint_is_told_by_the_name_it_came_under(tmp_path: Path) -> None:
    said = complaint(tmp_path, environ={"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317"})
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in said
    said = complaint(tmp_path, '[tracing]\nendpoint = "http://u:p@collector:4318"\n')
    assert "tracing.endpoint" in said
    assert "u:p" not in said


@pytest.mark.parametrize("text", ['[logs]\nlevel = "loud"', '[logs]\nformat = "xml"'])
def test_what_the_log_cannot_do_is_refused(tmp_path: Path, text: str) -> None:
    assert "logs." in complaint(tmp_path, text)


def test_every_secret_is_known_wherever_it_stands(tmp_path: Path) -> None:
    """Tokens, headers, keys, of URLs the password and what a query gives away; not what is known to
    everybody."""
    text = """
[database]
url = "postgresql://safelight:p%40ssw0rd@db.example/safelight"
[store]
url = "s3://pictures/cdn?secret_access_key=st0rekey&region=eu"
[[backends]]
name = "b1"
url = "http://127.0.0.1:8188"
token = "t0ken-of-b1"
headers = { X-Door = "d00r" }
[publishers.cloudinary]
cloud_name = "demo"
api_key = "12345"
api_secret = "s3cret"
"""
    found = secrets_of(loaded(tmp_path, text, {"SAFELIGHT_KEY": "slk_mine"}))
    secrets = {"p%40ssw0rd", "p@ssw0rd", "st0rekey", "t0ken-of-b1", "d00r", "s3cret", "slk_mine"}
    assert secrets <= found
    assert not {"safelight", "demo", "eu", "b1", "http://127.0.0.1:8188"} & found
