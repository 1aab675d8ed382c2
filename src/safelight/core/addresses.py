"""Addresses that strangers choose and we connect to: which may be used, which lead inside.

Whoever may name a webhook must not be able to have us knock at doors of our own network. A name is
judged when it is resolved, for the very connection that is made; here is what an address is.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from safelight.core.errors import Invalid

LONGEST: Final = 2_000  # characters of a URL
CODE: Final = "bad-webhook-url"
_PORTS: Final = {"http": 80, "https": 443}
_PRINTABLE: Final = re.compile(r"[\x21-\x7e]+", re.ASCII)
_UNSAFE: Final = re.compile(r'[\\"<>^`{|}]')
_NAME: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*\.?", re.ASCII)
_NUMBER: Final = re.compile(r"(0x[0-9a-f]*|[0-9]+)\.?", re.ASCII)
_OWN_NAMES: Final = re.compile(r"(.*\.)?localhost\.?")

# All that IANA has set aside; written out, so that it does not depend on a version of Python.
_INSIDE_4: Final = tuple(
    ipaddress.IPv4Network(net)
    for net in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind the provider's NAT; clouds keep their metadata there, too
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Of IPv6 only what is given out for the internet; less what carries an IPv4 address inside it.
_OUTSIDE_6: Final = ipaddress.IPv6Network("2000::/3")
_INSIDE_6: Final = tuple(
    ipaddress.IPv6Network(net) for net in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)


def is_public(address: str) -> bool:
    """Whether a resolved address leads out into the internet and nowhere else.

    Example:
        >>> is_public("93.184.215.14"), is_public("::ffff:127.0.0.1"), is_public("64:ff9b::a00:1")
        (True, False, False)
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv4Address):
        return not any(found in net for net in _INSIDE_4)
    outside = found in _OUTSIDE_6 and found.scope_id is None
    return outside and not any(found in net for net in _INSIDE_6)


def check_target(url: str, *, allow_private: bool, pointer: str = "/url") -> str:
    """The URL itself, as far as that can be said without resolving it.

    Raises:
        Invalid: it cannot be used (`bad-webhook-url`); the detail does not repeat it.
    """
    wrong = _wrong(url, allow_private)
    if wrong:
        raise Invalid(wrong, pointer=pointer, code=CODE)
    return url


def origin_of(url: str) -> str:
    """Who is connected to, for a URL that can be used: scheme, host and port.

    Example:
        >>> origin_of("https://Example.com/hook?key=1")
        'https://example.com:443'
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}:{parts.port or _PORTS[parts.scheme]}"


def _wrong(url: str, allow_private: bool) -> str | None:
    if len(url) > LONGEST:
        return f"a URL has at most {LONGEST} characters"
    if not _PRINTABLE.fullmatch(url) or _UNSAFE.search(url):
        return "expected a URL of printable ASCII; encode everything else"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "expected a URL such as https://example.com/hook"
    if parts.scheme == "http" and not allow_private:
        return "expected https; plain http is for webhooks.allow_private"
    if parts.scheme not in _PORTS or port == 0:
        return "expected a URL such as https://example.com/hook"
    if "@" in parts.netloc:
        return "a URL with user or password is not used; the signature says who we are"
    if "#" in url:
        return "a fragment is not sent; leave it out"
    return _wrong_host(parts, allow_private)


def _wrong_host(parts: SplitResult, allow_private: bool) -> str | None:
    host = parts.hostname or ""
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        # 2130706433, 0x7f.1 and 0177.0.0.1 are 127.0.0.1 in other clothes.
        if not _NAME.fullmatch(host) or _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
            return "expected the name of a host, or an address in its usual form"
        own = _OWN_NAMES.fullmatch(host) is not None
    else:
        own = not is_public(str(literal))
    if own and not allow_private:
        return "the URL leads into a private network, which webhooks.allow_private forbids"
    return None
