"""Object stores on the loopback interface, each a real server of somebody else's."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Literal

import pytest

from ports import reserved_port
from stores import open_storage
from streamify.machine.host import process_lives
from streamify.storage.base import sha256

AZURITE = Path(__file__).parent / "azurite"
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Azurite's own, the same everywhere."""

MINISTACK = Path(__file__).parent / "ministack" / ".emulator" / "bin" / "python"

ANSWERS = 120
"""Seconds in which a server must answer."""

Scheme = Literal["s3", "az"]
Kind = Literal["s3", "ministack", "az"]


@dataclass(frozen=True)
class Cloud:
    """A running object store."""

    scheme: Scheme
    endpoint: str
    environment: dict[str, str]
    """What points Streamify at it."""

    def enter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Point this process and those that it starts at it."""
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)

    def make_bucket(self, name: str) -> str:
        """Make a bucket; return its URL."""
        if self.scheme == "s3":
            _request("PUT", f"{self.endpoint}/{name}", {})
        else:
            _make_container(self.endpoint, name)
        return f"{self.scheme}://{name}"


def media(location: str) -> dict[str, str]:
    """Return the checksum of every media file below a location, by its key without the track's hash."""
    storage = open_storage(location)
    return {
        key.split("/")[1].rsplit("-", 1)[0] + "/" + key.split("/")[2]: sha256(storage.get(key) or b"")
        for key, *_ in storage.list()
        if key.endswith((".m4s", ".mp4"))
    }


def _s3(endpoint: str) -> Cloud:
    environment = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }
    return Cloud("s3", endpoint, environment)


@contextmanager
def moto() -> Iterator[Cloud]:
    """S3 by moto."""
    with reserved_port() as port:
        command = [sys.executable, str(Path(__file__).with_name("moto_server.py")), "-H", "127.0.0.1", "-p", str(port)]
        endpoint = f"http://127.0.0.1:{port}"
        with running(command, f"{endpoint}/moto-api/"):
            yield _s3(endpoint)


@contextmanager
def ministack() -> Iterator[Cloud]:
    """S3 by ministack, the emulator that the AWS stack is deployed on: a second opinion on what S3 does."""
    with reserved_port() as port:
        endpoint = f"http://127.0.0.1:{port}"
        server = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
        with running([str(MINISTACK), "-m", "ministack"], f"{endpoint}/_ministack/health", server):
            yield _s3(endpoint)


@contextmanager
def azurite() -> Iterator[Cloud]:
    """Azure Blob Storage by Azurite."""
    with reserved_port() as port:
        command = [str(AZURITE / "node_modules/.bin/azurite-blob"), "--blobHost", "127.0.0.1", "--blobPort", str(port)]
        command += ["--inMemoryPersistence", "--skipApiVersionCheck", "--silent"]
        endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
        environment = {
            "AZURE_STORAGE_ENDPOINT": endpoint,
            "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
            "AZURE_STORAGE_ACCOUNT_KEY": KEY,
        }
        with running(command, endpoint):
            yield Cloud("az", endpoint, environment)


CLOUDS = {"s3": moto, "ministack": ministack, "az": azurite}


def shared_cloud(kind: Kind, folder: Path) -> Cloud:
    """Return the object store of a run of tests, which all its processes share; the first that asks starts it.

    A process of its own keeps it, and ends it when the run has ended, in whatever way.
    """
    if kind == "ministack" and not MINISTACK.exists():
        pytest.skip("no Python 3.12 here, or `make test` did not install ministack")
    folder.mkdir(exist_ok=True)
    told = folder / f"{kind}.json"
    with (folder / f"{kind}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            run = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
            command = [sys.executable, __file__, kind, str(told), str(run)]
            with (folder / f"{kind}.log").open("w") as log:
                out = [(os.POSIX_SPAWN_DUP2, log.fileno(), number) for number in (1, 2)]
                # Not `Popen`, which would complain that its process outlives it.
                keeper = os.posix_spawn(sys.executable, command, os.environ, file_actions=out, setsid=True)
            while not told.exists():
                assert os.waitpid(keeper, os.WNOHANG) == (0, 0), (folder / f"{kind}.log").read_text()
                time.sleep(0.05)
    return Cloud(**json.loads(told.read_text()))


def _keep(kind: Kind, told: Path, run: int) -> None:
    with CLOUDS[kind]() as cloud:
        part = told.with_suffix(".part")
        part.write_text(json.dumps(asdict(cloud)))
        part.rename(told)
        while process_lives(run):
            time.sleep(0.3)


@contextmanager
def running(
    command: list[str], url: str, environment: dict[str, str] | None = None, log: Path | None = None
) -> Iterator[int]:
    """Run a server and all that it starts, from its first answer at `url` on; yield its process id."""
    with (
        (log or Path(os.devnull)).open("w") as out,
        subprocess.Popen(
            command, stdout=out, stderr=out, env=os.environ | (environment or {}), start_new_session=True
        ) as server,
    ):
        try:
            deadline = time.monotonic() + ANSWERS
            while True:
                assert server.poll() is None, f"{command[0]} ended with status {server.returncode}"
                assert time.monotonic() < deadline, f"{command[0]} does not answer"
                try:
                    with urllib.request.urlopen(url, timeout=5):
                        break
                except urllib.error.HTTPError:
                    break  # it answers, whatever it says
                except OSError:
                    time.sleep(0.1)
            yield server.pid
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                server.wait(10)
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)


def _request(method: str, url: str, headers: dict[str, str], data: bytes | None = None) -> None:
    request = urllib.request.Request(url, data, method=method, headers={"Content-Length": "0", **headers})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status in (200, 201), answer.status


def _make_container(endpoint: str, name: str) -> None:
    """Make a container: obstore makes none."""
    date = formatdate(usegmt=True)
    _put_azure(
        f"{endpoint}/{name}?restype=container",
        "PUT"
        + "\n" * 12
        + f"x-ms-date:{date}\nx-ms-version:2021-08-06\n/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container",
        {"x-ms-date": date},
    )


def put_blob(endpoint: str, container: str, key: str, data: bytes) -> None:
    """Write a blob of any key: obstore writes none with an empty part."""
    date, path = formatdate(usegmt=True), urllib.parse.quote(f"{container}/{key}")
    size = str(len(data)) if data else ""
    text = (
        f"PUT\n\n\n{size}\n\napplication/octet-stream" + "\n" * 7
        + f"x-ms-blob-type:BlockBlob\nx-ms-date:{date}\nx-ms-version:2021-08-06\n/{ACCOUNT}/{ACCOUNT}/{path}"
    )  # fmt: skip
    headers = {"x-ms-date": date, "x-ms-blob-type": "BlockBlob", "Content-Type": "application/octet-stream"}
    _put_azure(f"{endpoint}/{path}", text, {**headers, "Content-Length": str(len(data))}, data)


def _put_azure(url: str, text: str, headers: dict[str, str], data: bytes | None = None) -> None:
    """Send a request that is signed with the shared key."""
    mark = base64.b64encode(hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()).decode()
    signed = {"x-ms-version": "2021-08-06", "Authorization": f"SharedKey {ACCOUNT}:{mark}"}
    _request("PUT", url, {**headers, **signed}, data)


if __name__ == "__main__":
    _keep(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))  # type: ignore[arg-type]
