"""Where the service listens, and what has to be so before it may be reached from other machines."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from typing import Any

from api.accounts import Accounts
from api.settings import Settings
from rig_configs.errors import ConfigurationError, Conflict


def listen(settings: Settings) -> socket.socket:
    """A listening socket.

    Raises:
        Conflict: the port is taken.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(128)
    except OSError as cause:
        listener.close()
        raise Conflict(
            f"Cannot listen on {settings.host}:{settings.port}: {cause.strerror}.",
            cure="Stop what listens there, or choose another port: --port 8001",
            detail="port",
        ) from cause
    return listener


def address_of(settings: Settings, listener: socket.socket) -> str:
    """The service's address as a browser on this machine reaches it."""
    host = settings.host if not ipaddress_of(settings.host).is_unspecified else "127.0.0.1"
    return f"{'https' if settings.tls_certificate else 'http'}://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


def ipaddress_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address a host name stands for on this machine.

    Raises:
        ConfigurationError: it stands for none.
    """
    try:
        return ipaddress.ip_address(socket.getaddrinfo(host, None)[0][4][0])
    except (OSError, ValueError) as cause:
        raise ConfigurationError(
            f"'{host}' is no address of this machine.", cure="Give --host an address, such as 127.0.0.1.", detail="host"
        ) from cause


def refuse_without_admin(settings: Settings, accounts: Accounts) -> None:
    """Refuse to be reached from other machines before somebody has taken charge.

    Raises:
        ConfigurationError: the address is not this machine's alone, and no admin can sign in with a password.
    """
    if settings.reachable_without_admin or ipaddress_of(settings.host).is_loopback or accounts.users.has_admin():
        return
    raise ConfigurationError(
        f"The station would be reachable from other machines on {settings.host}, but it has no admin with a password yet.",
        cure=f"Make one: d3station access user NAME --role admin --data-dir {settings.data_dir}   or listen on 127.0.0.1.",
        detail="no_admin",
    )


def tls_options(settings: Settings) -> dict[str, Any]:
    """What uvicorn has to be told for HTTPS; nothing where no certificate is set.

    Raises:
        ConfigurationError: only one of the two files is named, or they cannot be used.
    """
    if settings.tls_certificate is None and settings.tls_key is None:
        return {}
    if settings.tls_certificate is None or settings.tls_key is None:
        raise ConfigurationError(
            "HTTPS needs a certificate and its key.", cure="Set both D3STATION_TLS_CERTIFICATE and D3STATION_TLS_KEY, or neither.", detail="tls"
        )
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_certificate, settings.tls_key, password="")
    except (OSError, ValueError) as cause:
        raise ConfigurationError(
            f"The certificate {settings.tls_certificate} with the key {settings.tls_key} cannot be used: {cause}.",
            cure="Give PEM files that belong together, and a key without a passphrase.",
            detail="tls",
        ) from cause
    return {"ssl_certfile": settings.tls_certificate, "ssl_keyfile": settings.tls_key}
