"""`make docs`: write the generated parts of the pages anew.

A part lies between `<!-- generated: NAME -->` and `<!-- end -->`. `PARTS` says what stands there;
a test compares.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from safelight.core.retrying import RULES
from safelight.core.states import ARROWS, EVENTS, PUBLICATION_ARROWS, diagram
from safelight.pipeline.dispatch import DEADLINE_PASSED
from safelight.simulator.catalog import catalog_of
from safelight.simulator.models import models_of
from safelight.telemetry import declared
from tests.docs.metrics import HEADINGS, labels, rows
from tests.docs.pages import ROOT, SOURCE, pages
from tests.docs.reference import WHOLE, routes
from tests.page.update_vendor import catalogue

_PART = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_NOT_PYTHON: Final = {
    "api/page/static/icon.svg": "The lamp.",
    "api/page/static/index.html": "The page before its scripts run: what it loads, from where.",
    "api/page/static/vendor/vendor.json": "What others wrote for the page: version, licence, hash.",
    "cli/portrait.json": "The graph that `demo` draws with.",
    "py.typed": "Says that the types are meant.",
}
# Files of the page say what they are in a comment on their first line.
_FIRST_LINE: Final = (".js", ".css")
_VENDORED: Final = "api/page/static/vendor"


def main() -> None:
    """Rewrite every page that has generated parts, and those that are generated whole."""
    for page in pages():
        text = page.read_text("utf-8")
        if (new := filled(text)) != text:
            page.write_text(new, "utf-8")
            print(page.relative_to(ROOT))
    for name, content in WHOLE.items():
        path = ROOT / name
        if not path.exists() or path.read_text("utf-8") != content():
            path.write_text(content(), "utf-8")
            print(name)


def filled(text: str) -> str:
    """A page with its generated parts as they must be."""
    return _PART.sub(lambda part: f"{part[1]}{PARTS[part[2]]()}{part[3]}", text)


def _state_diagram() -> str:
    return f"```mermaid\n{diagram()}```\n"


def _publication_arrows() -> str:
    rows = [
        (
            f"`{a.name}`",
            f"`{a.source}` → `{a.target}`",
            a.why,
            f"`{a.event}`" if a.event else "",
        )
        for a in PUBLICATION_ARROWS
    ]
    return _table(("arrow", "way", "because", "event"), rows)


def _arrows() -> str:
    rows = [(f"`{a.name}`", f"`{a.source}` → `{a.target}`", a.why, f"`{a.event}`") for a in ARROWS]
    return _table(("arrow", "way", "because", "event"), rows)


def _events() -> str:
    rows = []
    for event in EVENTS:
        ways = [f"`{a.source}` → `{a.target}`" for a in ARROWS if a.event == event]
        rows.append((f"[`{event}`](#{event.replace('.', '')})", ", ".join(ways) or "–"))
    return _table(("event", "told at"), rows)


def _retry_rules() -> str:
    rows = []
    for outcome, rule in RULES.items():
        notes = [
            text
            for held, text in (
                (rule.new_seed, "new seed"),
                (rule.elsewhere, "elsewhere, if it can"),
                (rule.free, "the backend is asked to free its memory"),
            )
            if held
        ]
        again = "always" if rule.again >= 1_000_000 else str(rule.again)
        counts = "yes" if rule.counts else "no"
        rows.append((f"`{outcome}`", again, counts, f"`{rule.code}`", "; ".join(notes)))
    return _table(("outcome", "again", "counts", "then fails as", "besides"), rows)


def _image_errors() -> str:
    advice: dict[str, list[str]] = {}
    for rule in RULES.values():
        advice.setdefault(rule.code, []).append(rule.advice)
    advice[DEADLINE_PASSED.code] = [DEADLINE_PASSED.detail]
    return _table(("code", "what to do"), [(f"`{c}`", " ".join(a)) for c, a in advice.items()])


def _node_classes() -> str:
    plain = catalog_of(models_of(lab=False), lab=False, models_any=False)
    lab = catalog_of(models_of(lab=True), lab=True, models_any=False)
    names = [*plain, *(name for name in lab if name not in plain)]
    return ", ".join(f"`{name}`" for name in names) + ".\n"


def _files() -> str:
    lines: list[str] = []
    folder: Path | None = None
    for path in sorted(SOURCE.rglob("*"), key=_place):
        if path.is_dir() or "__pycache__" in path.parts or path.parent.name == "queries":
            continue
        if _is_foreign(path):
            continue
        if path.parent != folder:
            folder = path.parent
            lines += ["", f"### `{folder.relative_to(SOURCE.parent)}/`", ""]
        name = path.relative_to(SOURCE).as_posix()
        lines.append(f"* `{name}`: {_purpose(path, name)}")
        if name == "database/rows.py":
            lines.append(f"* `database/queries/`: one statement each: {_queries()}.")
        if path.name == "vendor.json":
            lines.append(
                f"* `{_VENDORED}/`, and `licences.txt` with their licences: {_vendored()}."
            )
    return "\n".join(lines[1:]) + "\n\n"


def _place(path: Path) -> tuple[bool, str, bool, str]:
    """Files of the root first, then folder by folder; `__init__.py` first in each."""
    parent = path.parent.relative_to(SOURCE).as_posix()
    return (parent != ".", parent, path.name != "__init__.py", path.name)


def _purpose(path: Path, name: str) -> str:
    if path.suffix == ".py":
        docstring = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
        return " ".join(docstring.partition("\n\n")[0].split())
    if path.suffix == ".sql":
        return path.read_text("utf-8").splitlines()[0].removeprefix("-- ")
    if path.suffix in _FIRST_LINE:
        first = path.read_text("utf-8").splitlines()[0]
        return first.removeprefix("// ").removeprefix("/* ").removesuffix(" */")
    return _NOT_PYTHON[name]


def _is_foreign(path: Path) -> bool:
    below = path.relative_to(SOURCE).as_posix().startswith(f"{_VENDORED}/")
    return below and path.name != "vendor.json"


def _vendored() -> str:
    return ", ".join(f"`{one.file}`" for one in catalogue())


def _queries() -> str:
    names = sorted(path.stem for path in (SOURCE / "database" / "queries").glob("*.sql"))
    return ", ".join(f"`{name}`" for name in names)


def _table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    def lines() -> Iterator[str]:
        for row in (headings, ("---",) * len(headings), *rows):
            yield f"| {' | '.join(row)} |"

    return "\n".join(lines()) + "\n"


PARTS: Final[dict[str, Callable[[], str]]] = {
    "state-diagram": _state_diagram,
    "arrows": _arrows,
    "publication-arrows": _publication_arrows,
    "events": _events,
    "retry-rules": _retry_rules,
    "image-errors": _image_errors,
    "node-classes": _node_classes,
    "routes": lambda: _table(("", "route", ""), routes()),
    "files": _files,
    "metrics-counted": lambda: _table(HEADINGS, rows(declared.COUNTED)),
    "metrics-read": lambda: _table(HEADINGS, rows(declared.READ)),
    "metrics-whole": lambda: _table(HEADINGS, rows(declared.WHOLE)),
    "metric-labels": lambda: _table(("label", "values"), list(labels())),
}

if __name__ == "__main__":
    main()
