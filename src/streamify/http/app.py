"""The application: routes, and the collaborators that they are given."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from streamify.http.access import METHODS, Access, parts_of, viewer_of
from streamify.http.files import Served, Site
from streamify.http.guard import Guard, Log, refusal
from streamify.http.page_files import read_page
from streamify.http.sending import answer
from streamify.http.threads import Threads

_LOOK = 0.25
"""Seconds after which it is looked whether the client of a request that waits is still there."""


def create_app(site: Site, access: Access, threads: Threads, log: Log, more: Sequence[Route] = ()) -> Starlette:
    """Return the application that serves `site` and the page that plays it.

    Args:
        site: What is served below ``/``.
        access: Who may read it.
        threads: For reads that block.
        log: Takes a line for each fault.
        more: Routes below ``/_play/`` beside the page.
    """
    page = read_page()

    async def page_file(request: Request) -> Response:
        return await _sent(request, page.get(request.path_params.get("name", "index.html")))

    async def stream_file(request: Request) -> Response:
        parts = parts_of(request.scope["path"])
        found = site.find(parts, _viewer(request)) if parts else None
        return await _sent(request, await _while_connected(request, found) if found else None)

    async def _sent(request: Request, found: Served | None) -> Response:
        if found is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        try:
            return await answer(request, found, threads)
        except FileNotFoundError as error:  # it went away since it was found
            raise HTTPException(HTTPStatus.NOT_FOUND) from error

    routes = [
        *more,
        Route("/", page_file),
        Route("/_play/{name}", page_file),
        Route("/_play", _nothing),
        Route("/_play/{rest:path}", _nothing),
        Route("/{path:path}", stream_file),
    ]
    guard = Middleware(Guard, access=access, log=log)
    app = Starlette(routes=routes, middleware=[guard], exception_handlers={HTTPException: _refused})
    app.router.redirect_slashes = False
    return app


def _viewer(request: Request) -> str:
    return viewer_of(request.client.host if request.client else "", request.headers.get("x-forwarded-for", ""))


async def _while_connected(request: Request, found: Coroutine[None, None, Served | None]) -> Served | None:
    """Wait for what is looked for, but not for a client that left."""
    looking = asyncio.ensure_future(found)
    try:
        while not (await asyncio.wait({looking}, timeout=_LOOK))[0]:
            if await request.is_disconnected():
                raise HTTPException(HTTPStatus.REQUEST_TIMEOUT)  # which nobody reads
        return looking.result()
    finally:
        looking.cancel()


async def _nothing(_: Request) -> Response:
    raise HTTPException(HTTPStatus.NOT_FOUND)


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error")
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return refusal(error.status_code, "this server is read only", {"Allow": METHODS})
    return refusal(error.status_code, HTTPStatus(error.status_code).phrase.lower(), dict(error.headers or {}))
