"""What went wrong on the wire, in our words: short, and without addresses and secrets."""

from __future__ import annotations

import os
import ssl

import aiohttp


def reason(error: Exception) -> str:
    """Why there is no answer. The texts of aiohttp are not used: they hold addresses.

    Example:
        >>> reason(TimeoutError()), reason(ConnectionRefusedError(111, "…"))
        ('timed out', 'connection refused')
    """
    match error:
        case TimeoutError():
            return "timed out"
        case aiohttp.ClientConnectorDNSError():
            return "host name not found"
        case aiohttp.ClientConnectorCertificateError() | ssl.SSLCertVerificationError():
            return "certificate not trusted"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return "TLS failed"
        case aiohttp.WSServerHandshakeError():
            return f"HTTP {error.status} instead of a websocket"
        case aiohttp.ClientResponseError():
            return "the answer is not HTTP"
        case aiohttp.ClientPayloadError():
            return "the answer was cut short"
        case aiohttp.ServerDisconnectedError():
            return "closed without an answer"
        case OSError(errno=int(number)):
            return os.strerror(number).lower()
    return "connection failed"
