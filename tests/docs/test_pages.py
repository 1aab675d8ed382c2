"""The pages hold together: links lead somewhere, generated parts are current, nothing is out."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from safelight.core.retrying import RULES
from safelight.core.signing import secret_of
from safelight.core.states import ARROWS, BATCH_STATUSES, EVENTS, STATES
from safelight.settings import load
from safelight.simulator.faults import NAMES as FAULTS
from tests.docs.generate import PARTS, filled
from tests.docs.pages import DOCS, ROOT, SOURCE, Block, anchors, blocks, links, pages, prose
from tests.docs.reference import WHOLE, commands

PAGES = [page.relative_to(ROOT).as_posix() for page in pages()]
# Roots of the error tree, and what never reaches a client or an operator by name.
UNNAMED = {"bad-scope", "error", "refused", "trouble", "forbidden-transition", "bad-settings"}
SETTINGS = [block for block in blocks() if block.language == "toml"]


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    page = ROOT / name
    for link in links(page):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name}: {link}"
        assert target.is_relative_to(ROOT), f"{name}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{name}: {link}"


@pytest.mark.parametrize("name", PAGES)
def test_generated_parts_are_current(name: str) -> None:
    """To renew them: `make docs`."""
    assert filled(text_of(name)) == text_of(name)


@pytest.mark.parametrize("name", WHOLE)
def test_generated_pages_are_current(name: str) -> None:
    """To renew them: `make docs`."""
    assert WHOLE[name]() == text_of(name)


def test_every_generated_part_stands_on_a_page() -> None:
    used = set(re.findall(r"<!-- generated: ([a-z-]+) -->", "".join(map(text_of, PAGES))))
    assert used == PARTS.keys()


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    ahead = [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        reached.add(page)
        found = {(page.parent / link.partition("#")[0]).resolve() for link in links(page)}
        ahead += [one for one in found if one.suffix == ".md" and one not in reached]
    assert set(pages()) - reached == set()


def test_every_source_file_has_its_line_in_the_architecture() -> None:
    text = text_of("ARCHITECTURE.md")
    for path in SOURCE.rglob("*"):
        name = path.relative_to(SOURCE).as_posix()
        if path.is_dir() or "__pycache__" in name:
            continue
        told = f"`{path.stem}`" if path.parent.name == "queries" else f"* `{name}`: "
        if path.parent.name == "vendor" and path.suffix != ".json":
            told = f"`{path.name}`"
        assert told in text, name


def test_every_folder_stands_in_the_tree_of_the_readme() -> None:
    text = text_of("README.md")
    for path in SOURCE.iterdir():
        if path.name != "__pycache__":
            told = f"\n  {path.name}/ " if path.is_dir() else f"\n  {path.name} "
            assert told in text, path.name


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_has_its_heading(event: str) -> None:
    assert f"\n### {event}\n" in text_of("docs/reference/events.md")


def test_every_state_status_outcome_and_reason_stands_in_the_reference() -> None:
    text = text_of("docs/reference/states.md")
    words = {*STATES, *BATCH_STATUSES, *RULES, *(rule.code for rule in RULES.values())}
    assert {word for word in words if f"`{word}`" not in text} == set()
    assert {arrow.name for arrow in ARROWS if f"`{arrow.name}`" not in text} == set()


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_of_the_simulator_is_explained(fault: str) -> None:
    assert f"| `{fault}` |" in text_of("docs/reference/simulator.md")
    assert f"`{fault}`" in text_of("docs/how-to/faults.md")


@pytest.mark.parametrize("command", commands())
def test_every_command_stands_in_the_reference(command: str) -> None:
    assert f"\n## safelight {command}\n" in text_of("docs/reference/cli.md")


def codes_of_the_core() -> set[str]:
    """Every literal that is passed or assigned as `code` in the core."""
    found: set[str] = set()
    for path in (SOURCE / "core").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.keyword(arg="code", value=ast.Constant(str(code))):
                    found.add(code)
                case ast.Assign(targets=[ast.Name("code")], value=ast.Constant(str(code))):
                    found.add(code)
    return found


def test_every_error_code_of_the_core_is_explained() -> None:
    text = text_of("docs/reference/problems.md")
    assert {code for code in codes_of_the_core() - UNNAMED if f"## `{code}`" not in text} == set()


@pytest.mark.parametrize("block", SETTINGS, ids=lambda block: block.name)
def test_every_piece_of_settings_can_be_loaded(block: Block, tmp_path: Path) -> None:
    """As it stands there: unknown keys and values would be refused."""
    (tmp_path / "secrets").mkdir()
    for name in ("pod-1.token", "cloudinary.key", "bunny.key"):
        (tmp_path / "secrets" / name).write_text("t")
    (tmp_path / "secrets" / "bucket.url").write_text("s3://pictures/cdn")
    (tmp_path / "secrets" / "webhooks").write_text(secret_of(bytes(32)))
    (tmp_path / "safelight.toml").write_text(block.text, "utf-8")
    load(tmp_path / "safelight.toml", environ={"SAFELIGHT_HOME": str(tmp_path)})
    assert tomllib.loads(block.text)


def test_every_decision_is_whole_and_listed() -> None:
    records = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    listed = text_of("docs/decisions/README.md")
    for number, record in enumerate(records, 1):
        assert record.name.startswith(f"{number:04d}-")
        assert f"]({record.name})" in listed
        headings = re.findall(r"^## (.+)$", prose(record), re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences"], record.name


def test_the_words_of_the_core_stand_in_the_glossary() -> None:
    text = text_of("docs/glossary.md")
    words = "user character style series index batch image attempt workflow prompt backend pool"
    words += " store publisher publication event simulator slot lease epoch lane token bell ghost"
    assert {word for word in words.split() if f"**{word}**" not in text} == set()
