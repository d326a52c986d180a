"""Drives headless Chromium over a pipe (Chrome DevTools Protocol); no package, no port."""

from __future__ import annotations

import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATH = Path("/usr/bin/chromium")


class Browser:
    """A running browser; a page that it opens has cookies and a cache of its own."""

    def __init__(self, read: int, write: int) -> None:
        self._read, self._write = read, write
        self._buffer = b""
        self._last = 0
        self.pages: dict[str, Page] = {}
        """By session."""

    @contextmanager
    def page(self) -> Iterator[Page]:
        """Open a page, and close it."""
        context = self.call("Target.createBrowserContext", {})["browserContextId"]
        target = self.call("Target.createTarget", {"url": "about:blank", "browserContextId": context})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = self.pages[session] = Page(self, session)
        try:
            for domain in ("Network", "Page", "Runtime", "Log"):
                page.call(f"{domain}.enable")
            yield page
        finally:  # else the page of a test that failed plays on beside the next
            self.call("Target.disposeBrowserContext", {"browserContextId": context})
            del self.pages[session]

    def call(self, method: str, params: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        """Send a command; return its answer."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._last:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            assert select.select([self._read], [], [], 60)[0], "the browser does not answer"
            data = os.read(self._read, 1 << 16)
            assert data, "the browser died"
            self._buffer += data
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        if (page := self.pages.get(message.get("sessionId", ""))) is not None:
            page.hear(message.get("method"), message.get("params", {}))
        return message


class Page:
    """One tab. `requests` holds the URL of everything it asked for, `complaints` what its console said."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser, self._session = browser, session
        self.requests: list[str] = []
        self.complaints: list[str] = []

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        return self._browser.call(method, params, self._session)

    def hear(self, method: str | None, params: dict[str, Any]) -> None:
        """Take an event."""
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Log.entryAdded":
            self.complaints.append(params["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"]))

    def run(self, script: str) -> Any:
        """Evaluate JavaScript as if the user had clicked; promises are awaited."""
        answer = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, script: str, seconds: float = 60) -> Any:
        """Return the value of `script` as soon as it is true."""
        deadline = time.monotonic() + seconds
        while not (value := self.run(script)):
            assert time.monotonic() < deadline, f"never true: {script}; {self.complaints}"
            time.sleep(0.1)
        return value


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """Start a browser that reaches nothing but 127.0.0.1."""
    to_browser, from_browser = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            str(PATH), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--mute-audio",
            "--no-first-run", "--disable-extensions", "--disable-background-networking", f"--user-data-dir={profile}",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--remote-debugging-pipe", *flags,
        ]  # fmt: skip
        redirect = f'exec "$@" 3<&{to_browser[0]} 4>&{from_browser[1]}'
        browser = subprocess.Popen(
            ["bash", "-c", redirect, "bash", *command], pass_fds=(to_browser[0], from_browser[1]),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            os.close(to_browser[0])
            os.close(from_browser[1])
            yield Browser(from_browser[0], to_browser[1])
        finally:
            os.close(to_browser[1])
            browser.terminate()
            try:
                browser.wait(10)
            except subprocess.TimeoutExpired:
                browser.kill()
                browser.wait()
            os.close(from_browser[0])
