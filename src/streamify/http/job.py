"""What the page is told of the stream's job: routes."""

from __future__ import annotations

import json
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from streamify.http.job_events import Full, Job, JobEvents
from streamify.http.threads import Threads


def job_routes(job: Job, events: JobEvents, threads: Threads) -> list[Route]:
    """Return the routes that tell of a job."""

    async def told(request: Request) -> Response:
        if request.method == "HEAD":
            return Response(media_type="text/event-stream", headers={"Cache-Control": "no-store"})
        try:
            return events.open(request.headers.get("last-event-id"))
        except Full:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": "5"}) from None

    async def segment(request: Request) -> Response:
        where = request.path_params
        found = await threads.run(lambda _: job.detail(where["track"], where["segment"]), None)
        if found is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        text = json.dumps(found, separators=(",", ":"))
        return Response(text, media_type="application/json", headers={"Cache-Control": "no-store"})

    return [Route("/_play/job", told), Route("/_play/job/{track}/{segment:int}", segment)]
