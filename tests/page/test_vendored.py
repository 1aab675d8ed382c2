"""What others wrote is as they published it, with its licence, and asks for nothing unknown."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest

from safelight.api.page.assets import FOLDER
from tests.docs.pages import ROOT
from tests.page.update_vendor import (
    CATALOGUE,
    LICENCES,
    VENDOR,
    WANTED,
    Vendored,
    catalogue,
    heading,
)

MODULES = [one for one in catalogue() if one.file.endswith(".mjs")]
FONTS = [one for one in catalogue() if one.file.endswith(".woff2")]


def file_of(one: Vendored) -> str:
    return one.file


def import_map() -> dict[str, str]:
    page = (FOLDER / "index.html").read_text("utf-8")
    found = re.search(r'<script type="importmap">(.*?)</script>', page, re.DOTALL)
    assert found
    told: dict[str, Any] = json.loads(found[1])
    return {name: address.split("/vendor/")[1] for name, address in told["imports"].items()}


@pytest.mark.parametrize("one", catalogue(), ids=file_of)
def test_every_file_is_the_one_that_was_published(one: Vendored) -> None:
    content = (VENDOR / one.file).read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (one.bytes, one.sha256)


@pytest.mark.parametrize("one", catalogue(), ids=file_of)
def test_every_file_has_a_licence_that_lets_us_hand_it_on(one: Vendored) -> None:
    words = {
        "MIT": "Permission is hereby granted, free of charge",
        "Apache-2.0": "Apache License",
        "OFL-1.1": "SIL Open Font License, Version 1.1",
    }
    text = LICENCES.read_text("utf-8").split(heading(one.package))[1].split("========")[0]
    assert words[one.licence].lower() in text.lower()


def test_nothing_else_lies_there_and_all_that_is_wanted_does() -> None:
    there = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    told = {one.file for one in catalogue()}
    assert there == told | {CATALOGUE.name, LICENCES.name}
    wanted = {(package.name, package.version, file) for package in WANTED for file in package.files}
    assert {(one.package, one.version, one.file) for one in catalogue()} == wanted


@pytest.mark.parametrize("one", MODULES, ids=file_of)
def test_a_module_imports_only_what_the_page_says_where_it_is(one: Vendored) -> None:
    text = (VENDOR / one.file).read_text("utf-8")
    imported = set(re.findall(r"""\b(?:from|import) ?\(?["']([^"']+)["']""", text))
    assert imported <= import_map().keys()


def test_the_page_knows_every_module_that_lies_here() -> None:
    assert sorted(import_map().values()) == sorted(one.file for one in MODULES)


def test_the_fonts_are_small() -> None:
    assert sum(one.bytes for one in FONTS) <= 40_000


def test_every_package_is_explained() -> None:
    page = (ROOT / "docs" / "decisions" / "dependencies.md").read_text("utf-8")
    told = set(re.findall(r"^\| npm `([^`]+)` \|", page, re.MULTILINE))
    assert told == {package.name for package in WANTED}
