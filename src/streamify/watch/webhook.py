"""A call of a webhook, as https://www.standardwebhooks.com describes it: one POST, signed, confirmed by status 2xx."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import threading
import time
import urllib.error
import urllib.request
from http.client import HTTPException, HTTPMessage
from typing import IO

from streamify._version import __version__
from streamify.errors import UsageError

PATIENCE = 20.0
"""Seconds after which a call that was not answered counts as failed."""
_PREFIX = "whsec_"


def parse_secret(text: str) -> bytes:
    """Return the key in a file of a secret: base64 after ``whsec_``, or any other text as it is.

    Raises:
        UsageError: ``hook-secret``.
    """
    text = text.strip()
    if text.startswith(_PREFIX):
        try:
            key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
        except binascii.Error as error:
            raise UsageError("hook-secret", f"the secret is no base64 after {_PREFIX}", "copy it again") from error
    else:
        key = text.encode()
    if len(key) < 16:
        raise UsageError("hook-secret", "the secret of webhooks has fewer than 16 bytes",
                         "make one: echo whsec_$(openssl rand -base64 32) > FILE")  # fmt: skip
    return key


def signature(key: bytes, delivery: str, timestamp: int, body: bytes) -> str:
    """Return the header ``webhook-signature``: HMAC-SHA256 over id, time and body."""
    digest = hmac.new(key, f"{delivery}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Makes a redirect an answer like any other: a POST is not sent to a place that nobody named."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Follow nothing."""


def call(url: str, delivery: str, body: bytes, key: bytes | None) -> str | None:
    """Send `body`; return ``None`` once it is confirmed, else why it is not. Takes `PATIENCE` seconds at most."""
    now = int(time.time())
    headers = {
        "content-type": "application/json",
        "user-agent": f"streamify/{__version__}",
        "webhook-id": delivery,
        "webhook-timestamp": str(now),
    }
    if key is not None:
        headers["webhook-signature"] = signature(key, delivery, now, body)
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - `hooks` lets http and https in
    answers: list[str | None] = []
    # In a thread: a server that sends a byte now and then is never late for the socket.
    thread = threading.Thread(target=lambda: answers.append(_send(request)), name="streamify-webhook", daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return answers[0] if answers else f"no answer within {PATIENCE:g} s"


def _send(request: urllib.request.Request) -> str | None:
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=PATIENCE) as answer:
            status: int = answer.status
    except urllib.error.HTTPError as error:
        status = error.code
        error.close()
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        return " ".join(str(reason).split())[:300] or type(error).__name__
    return None if 200 <= status < 300 else f"status {status}"
