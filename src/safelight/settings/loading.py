"""From layers to settings: flags over the environment over the file over the defaults.

Each layer is a nested mapping of what somebody said there. Paths in it are made absolute and
`*_file` secrets are read while we still know where they come from, and for every complaint we look
up which layer said it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import platformdirs
from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource
from pydantic_settings import SettingsError as UnreadableVariable

from safelight.core.errors import SettingsError
from safelight.settings import catalogue
from safelight.settings.complaints import complaints, fault_lines, unknown
from safelight.settings.layers import Layer, anchored, merged, nested
from safelight.settings.model import Settings

FILE_NAME: Final = "safelight.toml"
PREFIX: Final = "SAFELIGHT_"
MAX_FILE: Final = 4 * 1_048_576  # bytes
# Names of their own, besides SAFELIGHT_SECTION__KEY.
OWN_NAMES: Final = {
    "SAFELIGHT_HOME": "home",
    "SAFELIGHT_URL": "url",
    "SAFELIGHT_KEY": "key",
    "SAFELIGHT_KEY_FILE": "key_file",
    "SAFELIGHT_MACHINE": "machine",
    "SAFELIGHT_DATABASE_URL": "database.url",
    "SAFELIGHT_DATABASE_URL_FILE": "database.url_file",
}
# Those of others that mean a setting of ours.
USUAL_NAMES: Final = {"OTEL_EXPORTER_OTLP_ENDPOINT": "tracing.endpoint"}


def home(environ: Mapping[str, str] | None = None) -> Path:
    """The data folder, for programs that need no other setting."""
    said = (os.environ if environ is None else environ).get("SAFELIGHT_HOME")
    return Path(said).expanduser().absolute() if said else platformdirs.user_data_path("safelight")


def load(
    config: Path | None = None,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Settings:
    """The settings as they are now.

    `flags` are by dotted name (`{"server.port": 8081}`); those that are None were not given.

    Raises:
        SettingsError: one line per problem: where it stands, the key, and what would be right.

    Example:
        >>> load(environ={"SAFELIGHT_SERVER__PORT": "9000"}).server.port
        9000
    """
    environment = dict(os.environ if environ is None else environ)
    folder = (cwd or Path.cwd()).absolute()
    layers = [
        _flags_layer(flags or {}, folder),
        _environment_layer(environment, folder),
        _file_layer(_config_path(config, environment, folder)),
        _usual_layer(environment, folder),
    ]
    said = [anchored(layer) for layer in layers if layer is not None]
    try:
        settings = Settings(**merged(said))
    except ValidationError as error:
        raise SettingsError("\n".join(complaints(error, said))) from None
    settings._secret_files = tuple(file for layer in said for file in layer.secret_files)
    if problems := list(fault_lines(catalogue.faults(settings), said)):
        raise SettingsError("\n".join(problems))
    return settings


def _config_path(config: Path | None, environ: Mapping[str, str], folder: Path) -> Path | None:
    named = config or environ.get(f"{PREFIX}CONFIG") or None
    if named is not None:
        return folder / Path(named).expanduser()
    found = folder / FILE_NAME
    return found if found.exists() else None


def _flags_layer(flags: Mapping[str, Any], folder: Path) -> Layer:
    given = {name: value for name, value in flags.items() if value is not None}
    return Layer("command line", nested(given), folder, {name: f"--{name}" for name in given})


def _file_layer(path: Path | None) -> Layer | None:
    if path is None:
        return None
    try:
        if path.stat().st_size > MAX_FILE:
            raise SettingsError(f"{path}: larger than {MAX_FILE} bytes; this is no settings file")
        said = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8 at byte {error.start}") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{path}: not TOML: {error}") from None
    for key in sorted(Settings.OUTSIDE_THE_FILE & said.keys()):
        hint = f"set the environment variable {PREFIX}{key.upper()} instead"
        raise SettingsError(f"{path}: {key}: not allowed in the file; {hint}")
    return Layer(str(path), said, path.absolute().parent, {}, path.absolute())


def _environment_layer(environ: Mapping[str, str], folder: Path) -> Layer:
    ours = [name for name in sorted(environ) if name.startswith(PREFIX)]
    # An empty variable of these is how a container says that it has none.
    empty = {name for name in (*OWN_NAMES, f"{PREFIX}CONFIG") if not environ.get(name)}
    names = [name for name in ours if name not in empty and name != f"{PREFIX}CONFIG"]
    by_key = _by_key(names, environ)
    source = EnvSettingsSource(Settings)
    # The source is given what we read: keys in one spelling, and nothing it would pass over.
    source.env_vars = {
        f"{PREFIX}{key.replace('.', '__')}".lower(): environ[name] for key, name in by_key.items()
    }
    try:
        said = source()
    except UnreadableVariable as error:
        variable = next((by_key[key] for key in by_key if f'"{key}"' in str(error)), str(error))
        raise SettingsError(f"environment: {variable}: expected JSON") from None
    if "key_file" in by_key:
        said["key_file"] = environ[by_key["key_file"]]
    return Layer("environment", said, folder, by_key)


def _usual_layer(environ: Mapping[str, str], folder: Path) -> Layer:
    """What variables say that many programs read: below everything that was said to us."""
    given = {key: name for name, key in USUAL_NAMES.items() if environ.get(name)}
    said = nested({key: environ[name] for key, name in given.items()})
    return Layer("environment", said, folder, given)


def _by_key(names: Sequence[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Dotted key -> variable. Raises SettingsError for what leads nowhere or says two things."""
    problems = []
    found: dict[str, str] = {}
    for name in names:
        key = _key(name)
        if key is None:
            problems.append(f"environment: {name}: {unknown(name, _known_variables())}")
        elif environ[found.setdefault(key, name)] != environ[name]:
            problems.append(f"environment: {found[key]} and {name} are one setting with two values")
    if problems:
        raise SettingsError("\n".join(problems))
    return found


def _key(name: str) -> str | None:
    if name in OWN_NAMES:
        return OWN_NAMES[name]
    section, *rest = name.removeprefix(PREFIX).lower().split("__")
    if section in Settings.OUTSIDE_THE_FILE or section not in Settings.model_fields:
        return None
    return ".".join([section, *rest])


def _known_variables() -> list[str]:
    names = [*OWN_NAMES, f"{PREFIX}CONFIG"]
    for section, field in Settings.model_fields.items():
        if section in Settings.OUTSIDE_THE_FILE:
            continue
        keys = getattr(field.annotation, "model_fields", {})
        names += [f"{PREFIX}{section}__{key}".upper() for key in keys] or [
            f"{PREFIX}{section}".upper()
        ]
    return names
