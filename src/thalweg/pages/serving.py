"""A server for pages on this machine: on 127.0.0.1 only, for who has its address, and for nobody's scripts but its own.

Other programs and other pages in the same browser can reach 127.0.0.1 too. So a random token stands in the address; the
`Host` has to be this machine's (a name that was pointed at 127.0.0.1 is refused), the `Origin` of what is posted has to be
the page itself, and what is posted is JSON of a known shape. Files are looked up in a mapping, never in a file system.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from ..errors import ArgumentError, ThalwegError
from .assets import File
from .schema import Schema
from .streams import Stream

__all__ = ["Action", "Server"]

_LARGEST_BODY = 1 << 16
_MOST_CONNECTIONS = 64
_YEAR = 365 * 24 * 3600
_PATIENCE = 10.0
"""Seconds that a connection may be silent while it is expected to send or to read."""

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Action:
    """What a page may ask for by POST.

    schema: of the JSON that it sends. act: gets it, checked, and returns plain values, the answer; runs in a thread of its
    own. If it raises a ThalwegError the page gets the message. largest: bytes of the body.
    """

    schema: Schema
    act: Callable[[Any], Any]
    largest: int = _LARGEST_BODY


@dataclass(frozen=True)
class _Site:
    files: Mapping[str, File] = field(default_factory=dict)
    actions: Mapping[str, Action] = field(default_factory=dict)
    streams: Mapping[str, Stream] = field(default_factory=dict)


class Server:
    """Serves files, actions and streams, each by its path such as "/", until it is closed.

    port: by default a free one. `address` is where a browser finds the page "/"; it holds the token. After the first visit
    a cookie stands for the token, which then no longer shows. token: by default a new one for each server; one that is given is
    meant to be used again, so the browser keeps its cookie, and bookmarks go on to lead here.

    >>> from thalweg.pages import File
    >>> with Server(files={"/": File("text/plain", b"hello")}) as server:
    ...     server.address  # doctest: +ELLIPSIS
    'http://127.0.0.1:.../?token=...'
    """

    def __init__(
        self,
        files: Mapping[str, File],
        actions: Mapping[str, Action] | None = None,
        streams: Mapping[str, Stream] | None = None,
        port: int = 0,
        token: str | None = None,
    ) -> None:
        self._site = _Site(files, actions or {}, streams or {})
        self.token = token or secrets.token_urlsafe(24)
        try:
            self._server = _ThreadingServer(port, self._site, self.token, is_kept=token is not None)
        except (OSError, OverflowError) as error:
            raise ArgumentError(f"port={port}: {error}. Leave out port for a free one") from None
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="thalweg-server", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://127.0.0.1:{self.port}/?token={self.token}"

    def close(self) -> None:
        """Ends the streams and all connections."""
        for stream in self._site.streams.values():
            stream.close()
        self._server.shutdown()
        self._server.server_close()
        self._server.end_connections()
        self._thread.join()

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _ThreadingServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = os.name != "nt"  # there it would let another program take the port over

    def __init__(self, port: int, site: _Site, token: str, is_kept: bool) -> None:
        self.site = site
        self.token = token
        self.is_kept = is_kept
        self._connections: set[Any] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's own asks the name service, which can take seconds
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def verify_request(self, request: Any, client_address: Any) -> bool:
        with self._lock:
            return len(self._connections) < _MOST_CONNECTIONS

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        with self._lock:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RD)
                except OSError:
                    continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):  # a viewer left: nothing is wrong
            super().handle_error(request, client_address)


class _RefusedError(Exception):
    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class _Handler(BaseHTTPRequestHandler):
    server: _ThreadingServer
    timeout = _PATIENCE
    disable_nagle_algorithm = True

    def version_string(self) -> str:
        return "thalweg"

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: who runs a descent reads other things in the terminal."""

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, what: Callable[[], None]) -> None:
        try:
            what()
        except _RefusedError as refused:
            self._send(refused.status, "application/json", json.dumps({"error": refused.message}).encode())

    def _send(self, status: HTTPStatus, content_type: str, body: bytes, **headers: str) -> None:
        self._begin(status, content_type, Content_Length=str(len(body)), **headers)
        self.wfile.write(body)

    def _begin(self, status: HTTPStatus, content_type: str, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        for name, value in {**_HEADERS, **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    # Who may ask
    def _check_sender(self, must_have_origin: bool) -> None:
        """Refuses what another page, or a name that was pointed at this machine, may have caused."""
        hosts = [f"{name}:{self.server.server_port}" for name in ("127.0.0.1", "localhost")]
        host, origin = self.headers.get_all("Host", []), self.headers.get_all("Origin", [])
        if len(host) != 1 or host[0] not in hosts:
            raise _RefusedError(HTTPStatus.MISDIRECTED_REQUEST, f"this page is at {hosts[0]} and nowhere else")
        if (must_have_origin or origin) and origin != [f"http://{host[0]}"]:
            raise _RefusedError(HTTPStatus.FORBIDDEN, "only the page itself may ask for this")

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.server.token.encode())

    def _check_cookie(self) -> None:
        try:
            cookie = SimpleCookie(self.headers.get("Cookie", "")).get(self._cookie_name())
        except CookieError:
            cookie = None
        if cookie is None or not self._is_token(cookie.value):
            raise _RefusedError(HTTPStatus.FORBIDDEN, "open the whole address that thalweg printed: it holds a token")

    def _cookie_name(self) -> str:
        return f"thalweg-{self.server.server_port}"  # cookies know no ports, and there may be several servers

    # What they may ask for
    def _get(self) -> None:
        self._check_sender(must_have_origin=False)
        address = urlsplit(self.path)
        query = parse_qsl(address.query, keep_blank_values=True)
        tokens = [value for name, value in query if name == "token"]
        site = self.server.site
        if tokens and self._is_token(tokens[0]) and address.path in site.files:
            self._welcome(address.path, [pair for pair in query if pair[0] != "token"])
            return
        self._check_cookie()
        if address.path in site.files:
            found = site.files[address.path]
            self._send(HTTPStatus.OK, found.content_type, found.body)
        elif address.path in site.streams:
            self._stream(site.streams[address.path])
        else:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "there is no such page")

    def _welcome(self, path: str, query: list[tuple[str, str]]) -> None:
        """Puts the token from the address into a cookie."""
        cookie = f"{self._cookie_name()}={self.server.token}; HttpOnly; SameSite=Lax; Path=/"
        cookie += f"; Max-Age={_YEAR}" if self.server.is_kept else ""
        rest = f"?{urlencode(query)}" if query else ""
        self._send(HTTPStatus.SEE_OTHER, "text/plain", b"", Location=path + rest, Set_Cookie=cookie)

    def _stream(self, stream: Stream) -> None:
        known = self.headers.get("Last-Event-ID", "0")
        position = int(known) if known.isascii() and known.isdigit() and len(known) < 19 else 0
        self._begin(HTTPStatus.OK, "text/event-stream")
        for chunk in stream.chunks(position):
            self.wfile.write(chunk)

    def _post(self) -> None:
        self._check_sender(must_have_origin=True)
        self._check_cookie()
        action = self.server.site.actions.get(self.path)
        if action is None:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "there is no such action")
        given = self._json(action.largest)
        try:
            answer = action.act(action.schema.check(given))
        except ThalwegError as error:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, str(error)) from None
        except Exception:
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, "application/json", b'{"error": "see the terminal"}')
            raise
        self._send(HTTPStatus.OK, "application/json", json.dumps(answer, allow_nan=False).encode())

    def _json(self, largest: int) -> Any:
        if self.headers.get_content_type() != "application/json":
            raise _RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise _RefusedError(HTTPStatus.LENGTH_REQUIRED, "say how long the body is")
        if len(length) > 12 or int(length) > largest:
            raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {largest:,} bytes")
        try:
            return json.loads(self.rfile.read(int(length)), parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "this is no JSON") from None


def _no_constant(name: str) -> Any:
    raise ValueError(name)
