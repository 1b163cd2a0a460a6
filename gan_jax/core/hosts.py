"""The address where the processes of a run find each other, checked before JAX is told of it.

JAX takes the address on trust: one without a port is an error far from here, one that can't be
listened on ends the process without a word.
"""

import ipaddress
import socket
from typing import NamedTuple
from urllib.parse import urlsplit

from gan_jax.core.errors import InputError

KEY = "--coordinator"


class Coordinator(NamedTuple):
    """Where process 0 listens.

    Attributes:
        host: Its name or IP address, without brackets.
        port: From 1 to 65535.
    """

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def coordinator(text: str | None) -> Coordinator:
    """The coordinator of "HOST:PORT" or "[IPv6]:PORT".

    Raises:
        InputError: If the text is none, has no such form, or names a host that can't be found.
    """
    if not text:
        raise InputError(KEY, "", "missing, HOST:PORT of process 0")
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    # What an address of the web may have beside host and port makes it longer than they are.
    if not host or not port or str(Coordinator(host, port)) != text.lower():
        raise InputError(KEY, text, "must be HOST:PORT, the port from 1 to 65535")
    found = Coordinator(host, port)
    _resolved(found)
    return found


def bind_address(address: Coordinator) -> str:
    """Where process 0 is to listen: at the address given, and at no other.

    A host's own name is often a loopback address to itself and another to all others: then it is
    listened on at every address.

    Raises:
        InputError: If it can't be listened on here.
    """
    resolved = _resolved(address)
    for family, place in resolved:
        with socket.socket(family) as probe:
            # A port is free, too, while connections of a run before this one are being closed.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(place)
            except OSError as error:
                why = f"process 0 can't listen there: {error.strerror}"
                raise InputError(KEY, address, why) from None
    loops = any(ipaddress.ip_address(place[0]).is_loopback for _, place in resolved)
    if loops and address.host != "localhost" and not _is_literal(address.host):
        return f"[::]:{address.port}"
    return str(address)


def _resolved(address: Coordinator) -> list[tuple[int, tuple]]:
    """The families and socket addresses of its host.

    Raises:
        InputError: If there is no such host.
    """
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise InputError(KEY, address, "no host of that name is known here") from None
    return [(family, place) for family, _, _, _, place in found]


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
