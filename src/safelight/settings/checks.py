"""What a single value must be, beyond its type. Each raises ValueError with what would be right."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from safelight.core.naming import ID_PATTERN

_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")
_HOST: Final = re.compile(r"[0-9A-Za-z_][0-9A-Za-z._-]{0,252}")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def slug(value: str) -> str:
    """The id of a character, style or workflow."""
    if not re.fullmatch(ID_PATTERN, value):
        raise ValueError("expected an id: 1 to 64 of a-z, 0-9 and -")
    return value


def name(value: str) -> str:
    """The id of anything else."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", value):
        raise ValueError("expected a-z, A-Z, 0-9, dot, _ and -, at most 64 characters")
    return value


def text(value: str) -> str:
    """What PostgreSQL can keep."""
    if "\0" in value:
        raise ValueError("a NUL cannot be kept")
    return value


def word(value: str) -> str:
    """One line that is not empty."""
    if not 0 < len(value) <= 500 or re.search(r"[\x00\r\n]", value):
        raise ValueError("expected 1 to 500 characters on one line")
    return value


def no_boolean(value: object) -> object:
    """Python takes `true` for 1; a person who writes `port = true` meant something else."""
    if isinstance(value, bool):
        raise ValueError("expected a whole number, not a boolean")
    return value


def number(value: object) -> object:
    """A number and nothing that could be read as one."""
    if isinstance(value, bool | str):
        raise ValueError("expected a number")
    return value


def duration(value: object) -> object:
    """Seconds, from a number or a text such as `"24h"`.

    Example:
        >>> duration("1.5h")
        5400.0
    """
    if not isinstance(value, str):
        return no_boolean(value)
    match = _DURATION.fullmatch(value.strip())
    if not match:
        raise ValueError('expected seconds, or a text such as "90s", "15m", "24h", "7d"')
    return float(match[1]) * _UNITS[match[2]]


def host(value: object) -> object:
    """An address or a name to listen on. Which may be, without keys, is seen at the start."""
    if isinstance(value, str) and not (_HOST.fullmatch(value) or _is_address(value)):
        raise ValueError('expected an address or a host name such as "127.0.0.1" or "0.0.0.0"')
    return value


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return "%" not in value


def is_loopback(host: str) -> bool:
    """Whether this is surely the machine itself."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def public_url(value: object) -> object:
    """An http(s) URL without query and fragment; the last slash goes."""
    if not isinstance(value, str):
        return value
    parts = urlsplit(value)
    usable = parts.scheme in _DEFAULT_PORTS and parts.hostname and _port_is_valid(value)
    if not usable or re.search(r"[^\x21-\x7e]|[\"<>\\?#]", value):
        raise ValueError('expected an address such as "https://images.example.com/safelight"')
    return value.rstrip("/")


def backend_url(value: object) -> object:
    """Like a public URL, and no password in it: it is shown to people."""
    checked = public_url(value)
    if isinstance(checked, str) and urlsplit(checked).username is not None:
        raise ValueError("expected an address without user and password; use token or headers")
    return checked


def secret_url(value: object) -> object:
    """A URL that may hold a password, so no message may repeat it."""
    if isinstance(value, str) and not _is_url(value, r"[a-z][a-z0-9+.-]*"):
        raise ValueError("expected a URL, scheme://…")
    return value


def database_url(value: object) -> object:
    """A URL of PostgreSQL; it may hold a password."""
    if not isinstance(value, str):
        return value
    # Several hosts, each with a port, are the driver's to read.
    usable = _is_url(value, "postgres(?:ql)?")
    if not usable or ("," not in urlsplit(value).netloc and not _port_is_valid(value)):
        raise ValueError("expected postgresql://user:password@host:port/name")
    return value


def header_name(value: str) -> str:
    """The name of an HTTP header; those that carry the request itself are not to be replaced."""
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", value):
        raise ValueError("expected the name of an HTTP header")
    if value.lower() in {"host", "content-length", "transfer-encoding", "connection", "upgrade"}:
        raise ValueError("this header belongs to the connection and cannot be set")
    return value


def header(value: object) -> object:
    """One line of printable text."""
    if isinstance(value, str) and not re.fullmatch(r"[\t\x20-\x7e]*", value):
        raise ValueError("expected printable ASCII on one line")
    return value


def address(url: str) -> str:
    """What two spellings of one server have in common.

    Example:
        >>> address("http://LOCALHOST:80") == address("http://127.0.0.1")
        True
    """
    parts = urlsplit(url)
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname
    return f"{parts.scheme}://{host}:{port}{parts.path}"


def on_loopback(url: str) -> bool:
    """Whether a URL leads to whichever machine it is used on.

    Example:
        >>> on_loopback("http://127.0.0.1:8188"), on_loopback("http://10.0.0.11:8188")
        (True, False)
    """
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return found.is_loopback or found.is_unspecified


def _is_url(value: str, schemes: str) -> bool:
    if not re.fullmatch(rf"{schemes}://\S*", value):
        return False
    try:
        urlsplit(value)
    except ValueError:
        return False
    return True


def _port_is_valid(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False
