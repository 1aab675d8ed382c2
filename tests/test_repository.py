"""Rules of the repository that no other tool keeps."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import safelight

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "safelight"
MODULES = sorted(SOURCE.rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

FILE_LINES = 300
FUNCTION_LINES = 50
# What was longer when the rule came: may shrink, must not grow, and goes when it is short enough.
LONGER: dict[str, int] = {}
# Where somebody else than `settings` may read the environment, and why.
ENVIRONMENT: dict[str, str] = {
    "client/connection.py": "whoever uses the client alone has no settings; it imports none",
}
# Where everything may be caught, and why.
CATCHES_ALL = {
    "worker/working.py": "a fault in one loop of the worker must not end the others",
    "worker/lanes.py": "a fault while following one attempt closes that attempt",
    "api/envelope.py": "a fault of ours becomes an answer",
}

# Put together here, so that this file does not find itself.
REGISTRY = re.compile(
    "https?:"
    + r'//[^ "]*(/simple/?["[:space:]]|/packages/[0-9a-f]{2}/[0-9a-f]{2}/|/-/[^ "]+[.]tgz)'
    r"|https?:" + r"//(files\.)?python" + r"hosted\.org|https?:" + r"//(test\.)?py" + r"pi\.org"
    r"|--(extra-)?" + r"index-url|--find-" + r"links"
)
# Folders of every machine: a clone may lie there.
EVERYBODYS = {"/", "//", "/tmp/", "/home/", "/srv/", "/opt/", "/var/", "/usr/"}
LOCAL_PATH = re.compile("file:" + r"///[a-z]+/")
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|NotImplemented" + r"Error)\b")


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def tracked() -> Iterator[tuple[str, str]]:
    """Every text file that git has or would take, by name; without git, all that lie here."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    names = listed.stdout.split("\0")
    if listed.returncode != 0:
        below = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
        names = [str(path) for path in below if not path.parts[0].startswith(".")]
    for name in filter(None, names):
        path = ROOT / name
        if path.is_file() and path.suffix not in (".png", ".jsonl", ".webp", ".woff2"):
            yield name, path.read_text("utf-8")


def packages(requirements: list[str]) -> set[str]:
    """Names as lock files spell them: `moto[server]>=5.2` → `moto`."""
    found = (re.match(r"[A-Za-z0-9._-]+", line) for line in requirements)
    return {re.sub(r"[._-]+", "-", match[0]).lower() for match in found if match}


def direct(*extras: str) -> set[str]:
    """The project's direct dependencies with these extras."""
    project = PROJECT["project"]
    wanted = [project["dependencies"], *(project["optional-dependencies"][e] for e in extras)]
    return packages([line for lines in wanted for line in lines])


def locked(name: str) -> dict[str, str]:
    """Package → the rest of its entry in a lock file."""
    text = (ROOT / "locks" / name).read_text("utf-8").replace("\\\n", " ")
    entries: dict[str, str] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            package, rest = line.split("==", 1)
            entries[packages([package]).pop()] = entries.get(package, "") + rest
    return entries


def test_no_file_names_a_package_registry() -> None:
    found = [name for name, text in tracked() if REGISTRY.search(text)]
    assert found == []


def test_no_file_names_a_path_of_one_machine() -> None:
    """The folder above the repository, and the home of whoever runs this, as absolute paths."""
    folders = {f"{ROOT.parent}/", f"{Path.home()}/"} - EVERYBODYS
    here = re.compile("|".join(rf"(?<![\w./~$}})\]-]){re.escape(one)}" for one in folders) or "$^")
    found = [name for name, text in tracked() if LOCAL_PATH.search(text) or here.search(text)]
    assert found == []


def test_imports_point_down() -> None:
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [str(program), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_file_is_too_long(path: Path) -> None:
    lines = len(path.read_text("utf-8").splitlines())
    assert lines <= LONGER.get(name_of(path), FILE_LINES)
    assert name_of(path) not in LONGER or lines > FILE_LINES, "take it off the list"


def test_no_function_is_too_long() -> None:
    """Its body: the signature of a command is the list of its options."""
    found = {
        f"{name_of(path)}: {node.name}"
        for path in MODULES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.body[0].lineno + 1 > FUNCTION_LINES
    }
    assert found == set()


def reads_the_environment(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(value=ast.Name("os"), attr="environ" | "environb" | "getenv"):
            return True
        case ast.ImportFrom(module="os", names=names):
            return any(name.name in ("environ", "environb", "getenv") for name in names)
    return False


def test_only_the_settings_read_the_environment() -> None:
    found = {
        name_of(path)
        for path in MODULES
        if any(reads_the_environment(node) for node in ast.walk(tree_of(path)))
    }
    assert {name for name in found if not name.startswith("settings/")} == ENVIRONMENT.keys()


def catches_all(node: ast.AST) -> bool:
    match node:
        case ast.ExceptHandler(type=None):
            return True
        case ast.ExceptHandler(type=ast.Name("Exception" | "BaseException")):
            return True
        case ast.ExceptHandler(type=ast.Tuple(elts=kinds)):
            names = {kind.id for kind in kinds if isinstance(kind, ast.Name)}
            return bool(names & {"Exception", "BaseException"})
        case ast.Call(func=ast.Name("suppress"), args=[*kinds]):
            names = {kind.id for kind in kinds if isinstance(kind, ast.Name)}
            return bool(names & {"Exception", "BaseException"})
    return False


def test_everything_is_caught_in_few_places() -> None:
    found = [
        name_of(path) for path in MODULES for node in ast.walk(tree_of(path)) if catches_all(node)
    ]
    assert sorted(found) == sorted(CATCHES_ALL)


def test_the_public_names_are_few_and_real() -> None:
    assert len(safelight.__all__) <= 15
    assert all(hasattr(safelight, name) for name in safelight.__all__)
    assert safelight.__version__ == PROJECT["project"]["version"]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_file_says_what_it_is_and_has_nothing_unfinished(path: Path) -> None:
    assert ast.get_docstring(tree_of(path))
    assert UNFINISHED.search(path.read_text("utf-8")) is None


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("runtime.txt", direct("build")),
        ("dev.txt", direct("build", "dev")),
        ("s3server.txt", packages(PROJECT["project"]["optional-dependencies"]["s3server"])),
    ],
)
def test_lock_files_have_every_direct_dependency_and_every_hash(
    name: str, wanted: set[str]
) -> None:
    entries = locked(name)
    assert wanted - entries.keys() == set()
    assert {package for package, rest in entries.items() if "--hash=sha256:" not in rest} == set()


def test_what_is_tested_with_is_what_is_run() -> None:
    """A package in both lock files has one version."""
    run, test = locked("runtime.txt"), locked("dev.txt")
    versions = {name: (run[name].split()[0], test[name].split()[0]) for name in run}
    assert {name: pair for name, pair in versions.items() if pair[0] != pair[1]} == {}


def test_every_direct_dependency_is_explained() -> None:
    page = (ROOT / "docs" / "decisions" / "dependencies.md").read_text("utf-8")
    told = set(re.findall(r"^\| `([a-z0-9-]+)` \|", page, re.MULTILINE))
    assert told == direct("build", "dev", "s3server")


def test_the_licence_is_there() -> None:
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert "Apache License" in text
    assert "Version 2.0" in text
    assert PROJECT["project"]["license"] == "Apache-2.0"


def test_the_door_is_make() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert {"install", "demo", "test", "bench", "lint", "format", "docs", "clean"} <= targets
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "make demo" in readme
    assert "make test" in readme
    ci = ROOT / ".ci" / "run"
    assert "make test" in ci.read_text("utf-8")
    assert os.access(ci, os.X_OK)
