"""Which addresses a stranger may have us connect to."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.core.addresses import LONGEST, check_target, is_public, origin_of
from safelight.core.errors import Invalid

PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.215.14", "100.63.255.255", "100.128.0.1", "223.255.255.1"]
PUBLIC += ["2606:2800:21f:cb07::1", "2a00:1450:4001:80b::200e"]
INSIDE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.170",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "2606:2800:21f:cb07::1%eth0",
    "fec0::1",
    "ff02::1",
    "",
    "localhost",
    "2130706433",
    "0x7f.0.0.1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_the_internet_may_be_reached(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", INSIDE)
def test_what_leads_inside_may_not(address: str) -> None:
    assert not is_public(address)


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_public(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    """Our list is at least as strict as the one of the standard library."""
    assert not is_public(str(address)) or (address.is_global and not address.is_multicast)


GOOD = [
    "https://example.com/hook",
    "https://example.com",
    "https://example.com:8443/a/b?token=x%20y&z=1",
    "https://xn--bcher-kva.example/",
    "https://93.184.215.14/hook",
    "https://[2606:2800:21f:cb07::1]:443/",
    "https://a_b.example.com./x",
]
BAD = [
    ("", "printable ASCII"),
    ("there.example/hook", "expected a URL such as"),
    ("//there.example", "expected a URL such as"),
    ("ftp://example.com", "expected a URL such as"),
    ("file:/etc/passwd", "expected a URL such as"),
    ("https://", "name of a host"),
    ("https:///hook", "name of a host"),
    ("https://example.com:0/", "expected a URL such as"),
    ("https://example.com:99999/", "expected a URL such as"),
    ("https://example.com:x/", "expected a URL such as"),
    ("https://[::1/", "expected a URL such as"),
    ("https://user@example.com/", "user or password"),
    ("https://user:pass@example.com/", "user or password"),
    ("https://@example.com/", "user or password"),
    ("https://example.com/#part", "fragment"),
    ("https://example.com/#", "fragment"),
    ("https://exa mple.com/", "printable ASCII"),
    ("https://example.com/\r\nX: y", "printable ASCII"),
    ("https://exämple.com/", "printable ASCII"),
    ("https://example.com\\@evil.com/", "printable ASCII"),
    ("https://ex%61mple.com/", "name of a host"),
    ("https://-example.com/", "name of a host"),
    ("https://example..com/", "name of a host"),
    ("https://2130706433/", "usual form"),
    ("https://0x7f000001/", "usual form"),
    ("https://0x7f.1/", "usual form"),
    ("https://0177.0.0.1/", "usual form"),
    ("https://127.1/", "usual form"),
    ("https://127.0.0.1./", "usual form"),
    ("https://example.com/" + "x" * LONGEST, "at most 2000"),
]
PRIVATE = [
    "https://localhost/hook",
    "https://LOCALHOST:1234/hook",
    "https://hooks.localhost./",
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://[::ffff:7f00:1]/",
    "https://10.1.2.3:8080/",
    "https://169.254.169.254/latest/meta-data/",
]


@pytest.mark.parametrize("url", GOOD)
def test_a_target_that_can_be_used(url: str) -> None:
    assert check_target(url, allow_private=False) == url
    assert check_target(url, allow_private=True) == url


@pytest.mark.parametrize(("url", "why"), BAD)
@pytest.mark.parametrize("allow_private", [False, True])
def test_a_target_that_cannot_be_used(url: str, why: str, allow_private: bool) -> None:
    with pytest.raises(Invalid) as refusal:
        check_target(url, allow_private=allow_private, pointer="/webhook/url")
    assert why in refusal.value.detail
    assert refusal.value.code == "bad-webhook-url"
    assert refusal.value.errors[0].pointer == "/webhook/url"
    assert not url or url not in refusal.value.detail


@pytest.mark.parametrize("url", PRIVATE)
def test_a_private_target_needs_leave(url: str) -> None:
    assert check_target(url, allow_private=True) == url
    with pytest.raises(Invalid, match="private network"):
        check_target(url, allow_private=False)


def test_plain_http_needs_leave() -> None:
    assert check_target("http://example.com/", allow_private=True)
    with pytest.raises(Invalid, match="expected https"):
        check_target("http://example.com/", allow_private=False)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://example.com/hook", "https://example.com:443"),
        ("http://Example.com:80", "http://example.com:80"),
        ("https://[2606::1]:8443/x", "https://[2606::1]:8443"),
    ],
)
def test_the_origin_is_who_is_connected_to(url: str, origin: str) -> None:
    assert origin_of(url) == origin
