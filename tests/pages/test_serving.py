"""The server of pages: whom it answers, whom it refuses, and how it ends. By plain HTTP requests."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from thalweg.errors import ArgumentError
from thalweg.pages import Action, Event, File, ListOf, Number, OneOf, Record, Server, Stream, Text, Whole

Answer = tuple[int, dict[str, str], bytes]


class Site:
    """A server with one of each, and what it was told."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.happened: list[int] = []
        self.stream = Stream(
            lambda position: ([Event("number", n) for n in self.happened[position:]], len(self.happened))
        )
        schema = Record({"action": OneOf(("pause", "stop"))}, {"factor": Number(0.1, 10)})
        self.server = Server(
            {"/": File("text/html", b"<p>page</p>")},
            {"/control": Action(schema, self.act), "/broken": Action(Record({}), lambda _: 1 / 0)},
            {"/events": self.stream},
        )

    def act(self, value: Any) -> Any:
        if value["action"] == "pause":
            raise ArgumentError("not now")
        self.told.append(value)
        return {"told": len(self.told)}

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=5)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        connection.close()
        return found

    @property
    def known(self) -> dict[str, str]:
        """The headers of a page that was opened with the token."""
        cookie = f"thalweg-{self.server.port}={self.server.token}"
        return {"Cookie": cookie, "Origin": f"http://127.0.0.1:{self.server.port}", "Content_Type": "application/json"}


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()
    yield found
    found.server.close()


def test_the_address_opens_the_page_and_leaves_a_cookie(site: Site) -> None:
    path = site.server.address.partition(str(site.server.port))[2]
    status, headers, _ = site.ask("GET", path + "&scene=bowl")
    assert (status, headers["location"]) == (303, "/?scene=bowl")
    cookie, *attributes = headers["set-cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Lax"} <= set(attributes)
    status, headers, body = site.ask("GET", "/", Cookie=cookie)
    assert (status, body) == (200, b"<p>page</p>")
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/?token=", "/?token=wrong", "/events", "/?token=%ff%00"])
def test_without_the_token_nothing_is_shown(site: Site, path: str) -> None:
    assert site.ask("GET", path)[0] == 403
    assert site.ask("GET", path, Cookie=f"thalweg-{site.server.port}=wrong")[0] == 403
    assert site.ask("GET", path, Cookie='thalweg-1="; \x80=')[0] == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", "", "127.0.0.1.evil.example"]
)
def test_another_host_is_refused(site: Site, host: str) -> None:
    assert site.ask("GET", "/", **{**site.known, "Host": host})[0] == 421
    assert site.ask("POST", "/control", b"{}", **{**site.known, "Host": host})[0] == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1", None])
def test_another_origin_is_refused(site: Site, origin: str | None) -> None:
    headers = {**site.known, "Origin": origin} if origin else {k: v for k, v in site.known.items() if k != "Origin"}
    assert site.ask("POST", "/control", b'{"action": "stop"}', **headers)[0] == 403
    if origin:
        assert site.ask("GET", "/events", **headers)[0] == 403
    assert site.told == []


def test_a_post_arrives_checked(site: Site) -> None:
    status, _, body = site.ask("POST", "/control", b'{"action": "stop", "factor": 2}', **site.known)
    assert (status, json.loads(body)) == (200, {"told": 1})
    assert site.told == [{"action": "stop", "factor": 2.0}]
    status, _, body = site.ask("POST", "/control", b'{"action": "pause"}', **site.known)
    assert (status, json.loads(body)) == (400, {"error": "not now"})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"action": "exec"}',
        b'{"action": ["stop"]}',
        b'{"action": "stop", "factor": 1e9}',
        b'{"action": "stop", "factor": NaN}',
        b'{"action": "stop", "factor": "2"}',
        b'{"action": "stop", "factor": true}',
        b'{"action": "stop", "factor": 1' + b"0" * 400 + b"}",
        b'{"action": "stop", "__class__": 1}',
        b"[" * 60_000,
        b"\xff\xfe",
    ],
)
def test_what_has_another_shape_is_refused(site: Site, body: bytes) -> None:
    status, _, answer = site.ask("POST", "/control", body, **site.known)
    assert status == 400
    assert json.loads(answer)["error"]
    assert site.told == []


def test_a_huge_body_is_refused_unread(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.server.port), timeout=5) as connection:
        headers = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in site.known.items())
        port = site.server.port
        start = f"POST /control HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 9999999999\r\n{headers}\r\n"
        connection.sendall(start.encode())
        assert b" 413 " in connection.recv(100)


def test_other_lengths_and_kinds_are_refused(site: Site) -> None:
    assert site.ask("POST", "/control", b"{}", **{**site.known, "Content_Type": "text/plain"})[0] == 415
    assert site.ask("POST", "/control", b"{}", **site.known, Content_Length="-1")[0] == 411
    assert site.ask("PUT", "/control", b"{}", **site.known)[0] == 501


@pytest.mark.parametrize(
    "path", ["/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/theme.css/..", "/control"]
)
def test_only_what_is_listed_can_be_read(site: Site, path: str) -> None:
    assert site.ask("GET", path, **site.known)[0] == 404


@pytest.mark.filterwarnings("ignore")
def test_a_defect_is_no_answer_but_shows_in_the_terminal(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    status, _, body = site.ask("POST", "/broken", b"{}", **site.known)
    assert (status, json.loads(body)) == (500, {"error": "see the terminal"})
    shown, end = "", time.monotonic() + 5
    while "ZeroDivisionError" not in shown and time.monotonic() < end:  # the answer goes out before the line is written
        time.sleep(0.01)
        shown += capfd.readouterr().err
    assert "ZeroDivisionError" in shown


def events(site: Site, **headers: str) -> Iterator[tuple[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", site.server.port, timeout=5)
    connection.request("GET", "/events", headers={**{"Cookie": site.known["Cookie"]}, **headers})
    answer = connection.getresponse()
    assert answer.getheader("Content-Type") == "text/event-stream"
    name = ""
    for line in answer:
        key, _, value = line.decode().strip().partition(": ")
        if key == "event":
            name = value
        if key == "data":
            yield name, json.loads(value)
    connection.close()


def test_several_viewers_see_everything_and_the_end(site: Site) -> None:
    seen: list[list[tuple[str, Any]]] = [[], []]
    site.happened.append(0)
    viewers = [threading.Thread(target=lambda place=place: seen[place].extend(events(site))) for place in (0, 1)]
    for viewer in viewers:
        viewer.start()
    for number in range(1, 50):
        site.happened.append(number)
        site.stream.wake()
        time.sleep(0.002)
    site.stream.close()
    assert site.stream.wait_until_served(2.0, 2.0)
    for viewer in viewers:
        viewer.join(5)
    assert seen[0] == seen[1] == [*(("number", n) for n in range(50)), ("end", {})]


def test_a_viewer_who_comes_back_gets_what_was_missed(site: Site) -> None:
    site.happened.extend(range(10))
    site.stream.close()
    assert list(events(site, **{"Last-Event-ID": "7"}))[:-1] == [("number", n) for n in (7, 8, 9)]
    assert len(list(events(site, **{"Last-Event-ID": "nonsense"}))) == 11


def seconds_to_end() -> float:
    """Of a server with a viewer, and with a connection that asks for nothing."""
    site, ended = Site(), threading.Event()
    viewer = threading.Thread(target=lambda: (list(events(site)), ended.set()))
    viewer.start()
    idle = socket.create_connection(("127.0.0.1", site.server.port))
    while not site.stream.viewers:
        time.sleep(0.001)
    begin = time.perf_counter()
    site.server.close()
    took = time.perf_counter() - begin
    assert ended.wait(1)
    viewer.join()
    idle.close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", site.server.port), timeout=1)
    return took


def test_it_ends_at_once_though_viewers_are_connected() -> None:
    assert any(seconds_to_end() < 0.1 for _ in range(10))  # the machine may be busy with other tests


def test_a_port_that_is_taken_is_said(site: Site) -> None:
    with pytest.raises(ArgumentError, match=f"port={site.server.port}: .*in use"):
        Server({}, port=site.server.port)


def test_shapes_name_the_place_that_is_wrong() -> None:
    schema = Record({"points": ListOf(ListOf(Number(-1, 1), 2), 3), "name": Text(5)}, {"count": Whole(0, 3)})
    assert schema.check({"points": [[0, 1]], "name": "bowl", "count": 2})["points"] == [[0.0, 1.0]]
    with pytest.raises(ArgumentError, match=r"value.points\[1\]\[0\]: 7 where a number from -1 to 1 is expected"):
        schema.check({"points": [[0, 1], [7, 0]], "name": ""})
    with pytest.raises(ArgumentError, match="name is missing"):
        schema.check({"points": []})
    with pytest.raises(ArgumentError, match="at most 3 items"):
        schema.check({"points": [[]] * 4, "name": ""})
    with pytest.raises(ArgumentError, match="at most 5 characters"):
        schema.check({"points": [], "name": "a" * 6})
    with pytest.raises(ArgumentError, match="a whole number from 0 to 3"):
        schema.check({"points": [], "name": "", "count": 1.5})
