"""`python -m tests.page.update_vendor`: fetch what others wrote for the page anew.

`WANTED` names the packages and their versions; change a version here, run this, look at what has
changed and run the tests. It asks the package registry that npm is set up for.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

VENDOR: Final = (
    Path(__file__).parent.parent.parent / "src" / "safelight" / "api" / "page" / "static" / "vendor"
)
CATALOGUE: Final = VENDOR / "vendor.json"
LICENCES: Final = VENDOR / "licences.txt"


@dataclass(frozen=True)
class Package:
    """A package at a version, and which of its files lie here under which names."""

    name: str
    version: str
    files: Mapping[str, str]


@dataclass(frozen=True)
class Vendored:
    """A file, as `vendor.json` has it."""

    file: str
    package: str
    version: str
    licence: str  # its SPDX name; the text is in LICENCES
    sha256: str
    bytes: int


WANTED: Final = (
    Package(
        "preact",
        "11.2.0",
        {"preact.mjs": "dist/preact.mjs", "preact-hooks.mjs": "hooks/dist/hooks.mjs"},
    ),
    Package("htm", "3.1.1", {"htm.mjs": "dist/htm.mjs"}),
    Package("@preact/signals-core", "1.14.5", {"signals-core.mjs": "dist/signals-core.mjs"}),
    Package("@preact/signals", "2.11.4", {"signals.mjs": "dist/signals.mjs"}),
    Package(
        "@fontsource/newsreader",
        "5.3.0",
        {"newsreader-500.woff2": "files/newsreader-latin-500-normal.woff2"},
    ),
    Package(
        "@fontsource/albert-sans",
        "5.3.0",
        {"albert-sans-400.woff2": "files/albert-sans-latin-400-normal.woff2"},
    ),
)


def main() -> int:
    """Fetch all, put the files in place and write down what they are."""
    VENDOR.mkdir(parents=True, exist_ok=True)
    found: list[Vendored] = []
    licences: list[str] = []
    for package in WANTED:
        with tempfile.TemporaryDirectory() as folder:
            taken, licence = _take(package, _fetch(package, Path(folder)))
        found += taken
        licences.append(f"{heading(package.name)}{licence}")
    LICENCES.write_text("\n".join(licences), "utf-8")
    listed = [asdict(one) for one in sorted(found, key=lambda one: one.file)]
    CATALOGUE.write_text(json.dumps(listed, indent=2) + "\n", "utf-8")
    print(f"{len(found)} files of {len(WANTED)} packages, {sum(one.bytes for one in found)} bytes")
    return 0


def catalogue() -> list[Vendored]:
    """What `vendor.json` says."""
    return [Vendored(**entry) for entry in json.loads(CATALOGUE.read_text("utf-8"))]


def heading(package: str) -> str:
    """What stands above the licence of a package."""
    return f"======== {package} ========\n\n"


def _fetch(package: Package, folder: Path) -> Path:
    wanted = f"{package.name}@{package.version}"
    command = ["npm", "pack", "--silent", "--ignore-scripts", wanted]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return folder / done.stdout.split()[-1]


def _take(package: Package, archive: Path) -> tuple[list[Vendored], str]:
    with tarfile.open(archive) as opened:

        def read(name: str) -> bytes:
            member = opened.extractfile(f"package/{name}")
            assert member is not None, f"{package.name} has no file {name}"
            return member.read()

        told: dict[str, Any] = json.loads(read("package.json"))
        taken = []
        for file, source in package.files.items():
            content = read(source)
            VENDOR.joinpath(file).write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            about = (package.name, package.version, str(told["license"]))
            taken.append(Vendored(file, *about, digest, len(content)))
        return taken, read("LICENSE").decode()


if __name__ == "__main__":
    sys.exit(main())
