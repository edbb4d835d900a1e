"""`thalweg lab` as a process, and the token that it keeps."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from thalweg.laboratory import serve
from thalweg.laboratory.token import kept_token


def test_the_command_serves_until_it_is_interrupted() -> None:
    command = [
        sys.executable,
        "-m",
        "thalweg",
        "lab",
        "--no-browser",
        "--port",
        "0",
        "http://127.0.0.1:1/#topic=saddle",
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)(/\?token=[\w-]+)#topic=saddle$", line.strip())
        assert found, line
        connection = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=10)
        connection.request("GET", found[2])
        assert connection.getresponse().status == 303
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def test_bookmarks_work_the_next_time() -> None:
    with serve(0) as first:
        connection = http.client.HTTPConnection("127.0.0.1", first.port, timeout=10)
        connection.request("GET", f"/?token={first.token}")
        cookie = connection.getresponse().getheader("Set-Cookie") or ""
        assert "Max-Age=" in cookie
        port = first.port
    with serve(port) as second:
        connection = http.client.HTTPConnection("127.0.0.1", second.port, timeout=10)
        connection.request("GET", "/", headers={"Cookie": cookie.partition(";")[0]})
        answer = connection.getresponse()
        assert answer.status == 200
        assert b"<canvas" in answer.read()


@pytest.mark.skipif(os.name == "nt", reason="permissions are kept otherwise there")
def test_a_token_that_others_could_read_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THALWEG_CACHE", str(tmp_path / "cache"))
    token = kept_token()
    assert token is not None
    assert token == kept_token()
    file = tmp_path / "cache" / "laboratory-token"
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    assert kept_token() is None
    file.chmod(0o600)
    file.write_text("short")
    assert kept_token() is None
