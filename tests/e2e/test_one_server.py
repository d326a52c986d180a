"""The files of deploy/server work: real nginx serves a stream and passes on what is made on demand; units are valid."""

from __future__ import annotations

import gzip
import http.client
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from clips.make import ClipSpec, make_clip
from e2e.driving import playing, wait_for
from ports import reserved_port
from streamify.dest.delivery import FOREVER, content_type

SERVER = Path(__file__).parents[2] / "deploy" / "server"
FLAGS = ("--ladder", "240p", "--segment-seconds", "1", "--keyframe-seconds", "1", "--preset", "ultrafast")

pytestmark = pytest.mark.long
needs_nginx = pytest.mark.skipif(shutil.which("nginx") is None, reason="no nginx (apt-get install nginx-light)")


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Local(http.client.HTTPConnection):
    """A connection over a socket in the file system."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Nginx(NamedTuple):
    """A running nginx. It listens on a socket of its own: another one could answer at a port."""

    path: str

    def listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as trial:
            return trial.connect_ex(self.path) == 0

    def made(self, target: str, host: str) -> Answer:
        """Ask again where the answer is that it takes a while yet."""
        return wait_for(lambda: None if (found := self.ask(target, host)).status == 503 else found)  # type: ignore[no-any-return]

    def ask(self, target: str, host: str = "media.example.org", method: str = "GET", **headers: str) -> Answer:
        connection = Local(self.path)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, target, headers={"Host": host} | named)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()


@contextmanager
def serving(root: Path, folder: Path) -> Iterator[Nginx]:
    """Run nginx with our configuration: only its root and where it listens are others."""
    with tempfile.TemporaryDirectory(prefix="nginx-", dir="/tmp") as short:  # the name of a socket may have 107 bytes
        nginx = Nginx(f"{short}/socket")
        site = (SERVER / "nginx.conf").read_text()
        assert site.count("root /srv/media;") == 1
        site = site.replace("root /srv/media;", f'root "{root}";').replace("listen 80", f"listen unix:{nginx.path}")
        (folder / "site.conf").write_text(site)
        paths = "".join(
            f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        main = folder / "nginx.conf"
        main.write_text(
            f"user root; daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/errors;"
            f"events {{}} http {{ access_log off; {paths} include {folder}/site.conf; }}"
        )
        subprocess.run(["nginx", "-t", "-c", main], check=True, capture_output=True)
        with subprocess.Popen(["nginx", "-c", main], stderr=subprocess.DEVNULL) as process:
            try:
                wait_for(lambda: process.poll() is not None or nginx.listens())
                assert process.poll() is None, (folder / "errors").read_text()
                yield nginx
            finally:
                process.terminate()


@needs_nginx
def test_nginx_serves_a_stream_with_types_and_caching_of_every_file(ultrafast_stream: Path, tmp_path: Path) -> None:
    with serving(ultrafast_stream.parent, tmp_path) as nginx:
        base = f"/{ultrafast_stream.name}/"
        keys = [path.relative_to(ultrafast_stream).as_posix() for path in ultrafast_stream.rglob("*") if path.is_file()]
        shown = [key for key in keys if not key.startswith(".")]
        assert len(shown) > 10
        for key in shown:
            answer = nginx.ask(base + key)
            assert (answer.status, answer.body) == (200, (ultrafast_stream / key).read_bytes()), key
            assert answer.headers["content-type"] == content_type(key)
            media = key.endswith((".m4s", ".mp4"))
            assert answer.headers["cache-control"] == (FOREVER if media else "no-cache"), key
            assert answer.headers["access-control-allow-origin"] == "*"
        hidden = [key for key in keys if key.startswith(".")]
        assert hidden
        for key in [*hidden, ".streamify/", ".tmp-1234", "video/.tmp-1234"]:
            assert nginx.ask(base + key).status == 404
        segment = base + next(key for key in shown if key.endswith("00000.m4s"))
        part = nginx.ask(segment, Range="bytes=10-19")
        assert (part.status, len(part.body), part.headers["cache-control"]) == (206, 10, FOREVER)
        again = nginx.ask(segment, If_None_Match=nginx.ask(segment).headers["etag"])
        assert (again.status, again.body) == (304, b"")
        missing = nginx.ask(base + "video/x/00000.m4s")
        assert (missing.status, missing.headers["cache-control"]) == (404, "no-store")
        asked = nginx.ask(segment, method="OPTIONS", Origin="https://other.example")
        assert (asked.status, asked.headers["access-control-allow-headers"]) == (204, "Range")
        packed = nginx.ask(base + "report.json", Accept_Encoding="gzip")
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(packed.body) == (ultrafast_stream / "report.json").read_bytes()
        assert "content-encoding" not in nginx.ask(segment, Accept_Encoding="gzip").headers
        with pytest.raises((ConnectionError, http.client.BadStatusLine)):
            nginx.ask(base + "master.m3u8", "elsewhere.example")


@needs_nginx
def test_nginx_passes_on_what_is_made_on_demand(tmp_path: Path) -> None:
    spec = ClipSpec(seconds=Fraction(30), rate=Fraction(25), size=(426, 240), gop=50)
    source = make_clip(spec, tmp_path / "clips").path
    with (
        reserved_port(range(8000, 8100)) as port,
        playing(source, tmp_path / "dest", "--port", port, *FLAGS) as play,
        serving(tmp_path, tmp_path) as nginx,
    ):
        host = f"live-{port}.example.org"
        tracks = play.tracks()
        for key in ("_play/player.js", *(f"{track}/00025.m4s" for track in tracks)):
            answer = nginx.made(f"/{key}", host)
            assert (answer.status, answer.body) == (200, play.get(key)), key
        for key in ("master.m3u8", "manifest.mpd"):  # which change once the stream is whole

            def same(key: str = key) -> bool:
                answer = nginx.made(f"/{key}", host)
                assert answer.status == 200, key
                return answer.body == play.get(key)

            wait_for(same)
        page = nginx.ask("/", host)
        assert page.status == 200
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert nginx.ask(f"/{tracks[0]}/99999.m4s", host).status == 404
        assert nginx.ask("/.streamify/plan.json", host).status == 404
        play.end()
        assert nginx.ask("/master.m3u8", host).status == 502


def compose() -> tuple[str, ...]:
    """Return the command of Docker Compose on this machine; empty: there is none. None of its files needs a daemon."""
    for command in (("docker", "compose"), ("docker-compose",)):
        if shutil.which(command[0]) and not subprocess.run([*command, "version"], capture_output=True).returncode:
            return command
    return ()


@pytest.mark.skipif(not compose(), reason="no Docker Compose (apt-get install docker-compose)")
def test_compose_file_is_valid_and_names_what_exists() -> None:
    command = [*compose(), "--file", str(SERVER / "compose.yaml"), "--profile", "play", "config"]
    variables = {"FILM": "a film.mp4", "MEDIA": "/srv/streams", "PORT": "8080"}
    found_by = {name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_CONFIG") if name in os.environ}
    done = subprocess.run(command, env=found_by | variables, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    services = yaml.safe_load(done.stdout)["services"]
    assert services.keys() == {"watch", "play", "web"}
    assert services["play"]["command"][:3] == ["play", "/uploads/a film.mp4", "/media/a film.mp4"]
    built = services["watch"]["build"]
    assert (Path(built["context"]) / built["dockerfile"]).is_file()
    assert services["watch"]["network_mode"] == "none"
    assert {services[name]["read_only"] for name in services} == {True}
    assert "/srv/streams" in str(services["web"]["volumes"])
    assert str(SERVER / "nginx.conf") in str(services["web"]["volumes"])
    assert "8080" in str(services["web"]["ports"])


UNITS = sorted(SERVER.glob("*.service"))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze (apt-get install systemd)")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_are_valid_and_confined(unit: Path, tmp_path: Path) -> None:
    command = tmp_path / "streamify"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    text = unit.read_text()
    assert "/opt/streamify/bin/streamify " in text
    copy = tmp_path / unit.name
    copy.write_text(text.replace("/opt/streamify/bin/streamify", str(command)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    judged = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=30", str(copy)]
    found = subprocess.run(judged, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout  # exposure 3.0 of 10 at most: "OK"
