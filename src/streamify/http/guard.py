"""What holds for every request, whatever its route: who may ask, one answer to each, and no fault without a word."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streamify.errors import DestinationError, StreamifyError
from streamify.http.access import LONGEST_TARGET, Access, BadTarget, Target

_LONGEST_BODY = 16 * 1024 * 1024
"""A body is of no use here; one of up to this many bytes is read so that its sender sees the answer."""

Log = Callable[[str], None]
"""Takes a line for whoever runs the server. Must not block."""


def refusal(status: int, why: str, headers: dict[str, str] | None = None) -> Response:
    """Return an answer that says why there is no other."""
    return PlainTextResponse(why + "\n", status, {"Cache-Control": "no-store"} | (headers or {}))


class Guard:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, access: Access, log: Log) -> None:
        self._app, self._access, self._log = app, access, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False
        kept = await _body_is_over(scope, receive)

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers.update(self._access.headers())
                if not kept:  # what is left of the body must not be taken for the next request
                    headers["Connection"] = "close"
            await send(message)

        try:
            scope, answer = self._admitted(scope)
            await (answer or self._app)(scope, receive, sending)
        except Exception as error:  # every fault gets an answer and a line
            status, why = _explained(error)
            self._log(" ".join(f"{scope['method']} {_shown(scope)}: {why}".split()))
            if not started:
                answer = refusal(status, why if isinstance(error, StreamifyError) else "internal error")
                await answer(scope, receive, sending)
            # Else the connection closes before the promised length: the client sees that the body is not whole.

    def _admitted(self, scope: Scope) -> tuple[Scope, Response | None]:
        """Return the scope with its path decoded, and the answer to a request that goes no further."""
        raw = scope["raw_path"].decode("latin-1")
        if len(raw) + len(scope["query_string"]) > LONGEST_TARGET:
            return scope, refusal(HTTPStatus.REQUEST_URI_TOO_LONG, "the address is too long")
        try:
            target = Target.parse(raw)
        except BadTarget as error:
            return scope, refusal(HTTPStatus.BAD_REQUEST, f"the address cannot be read: {error}")
        named = [Headers(scope=scope).get("host", "")] + ([target.authority] if target.authority is not None else [])
        if not all(map(self._access.trusts, named)):
            return scope, refusal(HTTPStatus.FORBIDDEN, "this server answers to its address only (Host header)")
        if scope["method"] == "OPTIONS":
            return scope, Response(status_code=HTTPStatus.NO_CONTENT, headers=self._access.options())
        return {**scope, "path": target.path}, None


async def _body_is_over(scope: Scope, receive: Receive) -> bool:
    """Read the body and forget it; return whether all of it came."""
    headers = Headers(scope=scope)
    if "content-length" not in headers and "transfer-encoding" not in headers:
        return True
    if "expect" in headers:  # the client waits for leave to send it, and does not get it
        return False
    size = 0
    while size <= _LONGEST_BODY:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body", False):
            return bool(message["type"] == "http.request")
    return False


def _explained(error: Exception) -> tuple[int, str]:
    if isinstance(error, DestinationError):
        return HTTPStatus.BAD_GATEWAY, f"{error} [{error.code}]"
    if isinstance(error, StreamifyError):
        return HTTPStatus.INTERNAL_SERVER_ERROR, f"{error} [{error.code}]"
    return HTTPStatus.INTERNAL_SERVER_ERROR, f"{type(error).__name__}: {error}"


def _shown(scope: Scope) -> str:
    path: str = scope["raw_path"].decode("latin-1")
    return path if len(path) <= 200 else path[:200] + "…"
