"""docs/reference/cli.md, made from the commands themselves.

python -m safelight.cli.reference > docs/reference/cli.md
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, Final

import typer

from safelight.cli.app import app

COMMON: Final = ("config", "json")
HEAD: Final = """\
# Command line

<!-- Made by `python -m safelight.cli.reference`; a test compares. -->

Results go to stdout, everything said beside them to stderr. On a terminal there are tables,
colours and progress bars (`NO_COLOR=1` for no colours); a pipe gets plain lines. With `--json`
stdout holds one JSON document and nothing else.

The log goes to stderr, too: coloured on a terminal, elsewhere one JSON object a line (`event`,
`level`, `timestamp`; `logger` where a library says it).

Every command takes `--config FILE` (settings instead of `./safelight.toml`) and `--json`, before
its name or behind it; only `simulate`, which reads no settings, takes neither. `--help` (`-h`)
explains each, `safelight --version` prints the version, `safelight --install-completion` teaches
the shell.

Commands that need a server talk to the one at `SAFELIGHT_URL`, else to the one at the address in
the settings if it runs. Otherwise they start everything inside themselves, on the same data, and
stop it when they end.

| exit code | means |
|---|---|
| 0 | everything asked for was kept |
| 1 | a batch ended otherwise than completed, or a check found something |
| 2 | bad usage, bad settings, or an order that was refused |
| 3 | no server or no database |
| 130 | Ctrl-C; nothing is left running, nothing is lost |
| 143 | SIGTERM, which `serve` and `work` take as an order to stop and answer with 0 |
"""


def page() -> str:
    """The whole page."""
    root: Any = typer.main.get_command(app)
    sections = [section for command in root.commands.values() for section in _sections(command)]
    return "\n".join([HEAD, *sections])


def _sections(command: Any, before: str = "safelight") -> Iterator[str]:
    path = f"{before} {command.name}"
    if hasattr(command, "commands"):
        for inner in command.commands.values():
            yield from _sections(inner, path)
        return
    required = [p for p in command.params if p.required]
    usage = " ".join([path, *(_required(p) for p in required), "[OPTIONS]"])
    lines = [f"## {path}", "", *_paragraphs(command.help), "```", usage, "```", ""]
    rows = [_row(p) for p in command.params if not p.hidden and p.name not in COMMON]
    if rows:
        lines += ["| | |", "|---|---|", *rows, ""]
    yield "\n".join(lines)


def _required(parameter: Any) -> str:
    value = _value(parameter)
    return f"{parameter.opts[0]} {value}" if parameter.param_type_name == "option" else value


def _paragraphs(help: str) -> Iterator[str]:
    for paragraph in inspect.cleandoc(help).split("\n\n"):
        yield paragraph.replace("\n", " ")
        yield ""


def _row(parameter: Any) -> str:
    names = ", ".join(f"`{name}`" for name in parameter.opts)
    value = _value(parameter)
    if parameter.param_type_name == "argument":
        names = f"`{value}`"
    elif value:
        names += f" `{_escaped(value)}`"
    return f"| {names} | {_escaped(parameter.help or '')}{_default(parameter)} |".replace("  ", " ")


def _value(parameter: Any) -> str:
    if getattr(parameter, "is_flag", False):
        return ""
    return str(parameter.metavar or parameter.name.upper().replace("_", "-"))


def _default(parameter: Any) -> str:
    default = parameter.default
    if parameter.required or default in (None, "", False) or getattr(parameter, "is_flag", False):
        return ""
    return f" Default: `{default}`."


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(page(), end="")
