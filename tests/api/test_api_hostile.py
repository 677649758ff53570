"""Requests that want out of their folder, or want all the memory: nothing escapes, memory stays bounded, and the next caller is served."""

from __future__ import annotations

import gzip
import http.client
import socket
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from conftest import serving
from fake_station import FakeStation
from fastapi import FastAPI

from api.app import create_app
from api.schemas import Role
from api.settings import Settings

SECRET = "the secret that no address may reach"
UPS = ["..", "%2e%2e", ".%2e", "%2E%2E", "..;", "%252e%252e", "%c0%ae%c0%ae", "..%00", "%ef%bc%8e%ef%bc%8e", "....", "..%5c", "%uff0e%uff0e"]
SLASHES = ["/", "%2f", "%2F", "\\", "%5c", "%252f", "%c0%af", "//"]
ABSOLUTE = [
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "file:///etc/passwd",
    "//etc/passwd",
    "C:%5cWindows%5cwin.ini",
    "/proc/self/environ",
    "~/secret.txt",
    "%00",
]


def traversals() -> Iterator[str]:
    for up in UPS:
        for slash in SLASHES:
            for depth in (1, 3):
                yield (up + slash) * depth + "secret.txt"
    yield from ABSOLUTE


@pytest.fixture
def panelled(tmp_path: Path, fake: FakeStation) -> FastAPI:
    """A service whose panel, data and secret lie side by side."""
    dist = tmp_path / "panel" / "dist"
    dist.mkdir(parents=True)
    (dist / "index.html").write_text("<title>panel</title>")
    for place in (tmp_path, tmp_path / "panel", tmp_path / "data", tmp_path / "data" / "artifacts"):
        place.mkdir(exist_ok=True)
        (place / "secret.txt").write_text(SECRET)
    return create_app(Settings(data_dir=tmp_path / "data"), fake, panel_dist=dist)


def test_no_address_leads_to_a_file_that_is_not_served(panelled: FastAPI) -> None:
    """Sent as they are, for an HTTP library would tidy the addresses up first."""
    key = panelled.state.service.accounts
    with serving(panelled) as url, ExitStack() as stack:
        headers = {"Authorization": f"Bearer {key.create_key('admin', Role.ADMIN)}"}
        with httpx.Client(base_url=url, headers=headers, verify=False, timeout=30) as admin:
            made = admin.post("/api/v1/inspections", json={"recipe": "bolt"}, headers={"Prefer": "wait=30"}).json()
        prefixes = (
            "/",
            "/assets/",
            f"/api/v1/inspections/{made['id']}/artifacts/",
            "/api/v1/inspections/",
            "/api/v1/recipes/",
        )
        connection = stack.enter_context(closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)))
        answered: dict[int, int] = {}
        for prefix in prefixes:
            for bad in traversals():
                connection.putrequest("GET", prefix + bad, skip_accept_encoding=True)
                connection.putheader("Authorization", headers["Authorization"])
                connection.endheaders()
                answer = connection.getresponse()
                body = answer.read()
                answered[answer.status] = answered.get(answer.status, 0) + 1
                assert SECRET.encode() not in body, prefix + bad
                assert b"root:" not in body, prefix + bad
                assert answer.status in (400, 404, 405, 422) or b"<title>panel" in body, (answer.status, prefix + bad)
    assert answered[404] > 300


def endless(megabytes: int) -> Iterator[bytes]:
    chunk = b"x" * (1 << 20)
    for _ in range(megabytes):
        yield chunk


def nested(depth: int) -> bytes:
    return b'{"recipe": ' + b"[" * depth + b"]" * depth + b"}"


BOMBS = {
    "endless body": lambda: endless(200),
    "nested arrays": lambda: nested(30_000),
    "nested objects": lambda: b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "a long number": lambda: b'{"recipe": ' + b"9" * 60_000 + b"}",
    "a large exponent": lambda: b'{"recipe": 1e999999999}',
    "not finite": lambda: b'{"recipe": NaN}',
    "a lone surrogate": lambda: b'{"recipe": "\\ud800"}',
    "a thousand fields": lambda: b"{" + b",".join(b'"f%d": 1' % n for n in range(4000)) + b"}",
    "the same field a thousand times": lambda: b"{" + b",".join(b'"recipe": "bolt%d"' % n for n in range(3000)) + b"}",
    "gzip": lambda: gzip.compress(b"x" * (50 << 20)),
}


def test_a_body_that_is_a_bomb_is_refused_and_takes_no_memory(operator: httpx.Client) -> None:
    for name, make in BOMBS.items():
        headers = {"Content-Type": "application/json"} | ({"Content-Encoding": "gzip"} if name == "gzip" else {})
        body = make()
        tracemalloc.start()
        try:
            answer = operator.post("/api/v1/inspections", content=body, headers=headers)
            assert answer.status_code in (400, 404, 413, 422), name
            assert answer.headers["content-type"] == "application/problem+json"
            assert len(answer.content) < 1 << 20
        except httpx.TransportError:
            assert name == "endless body"  # refused, and the connection closed, while it was still being sent
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < 32 << 20, name
        assert operator.get("/api/v1/me").status_code == 200


def test_a_length_that_is_announced_is_refused_before_it_is_sent(url: str, operator: httpx.Client) -> None:
    place = urlsplit(url)
    for announced in (str(10**12), "9" * 30):
        with socket.create_connection((place.hostname, place.port), timeout=20) as connection:
            head = f"POST /api/v1/sessions HTTP/1.1\r\nHost: station\r\nContent-Type: application/json\r\nContent-Length: {announced}\r\n\r\n"
            connection.sendall(head.encode())
            assert connection.recv(4096).split()[1] in (b"413", b"400")


def test_headers_that_never_end_are_cut_off(url: str, operator: httpx.Client) -> None:
    place, sent = urlsplit(url), 0
    with socket.create_connection((place.hostname, place.port), timeout=20) as connection:
        try:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: station\r\nX-Much: ")
            while sent < 64 << 20:
                sent += connection.send(b"x" * 65_536)
            pytest.fail("the service takes whatever is sent")
        except (BrokenPipeError, ConnectionResetError):
            assert sent < 16 << 20
    assert operator.get("/api/v1/me").status_code == 200


def test_long_addresses_headers_and_many_parameters_are_refused_or_answered(operator: httpx.Client) -> None:
    for params in ({"serial": "x" * 30_000}, [("lot", str(n)) for n in range(3000)], {"cursor": "9" * 18}, {"limit": "9" * 5000}):
        assert operator.get("/api/v1/inspections", params=params).status_code in (200, 400, 422)
    assert operator.get("/api/v1/me", headers={"Cookie": "; ".join(f"c{n}=1" for n in range(2000))}).status_code == 200
    assert operator.get("/api/v1/me", headers={"Authorization": "Bearer " + "x" * 50_000}).status_code == 401
