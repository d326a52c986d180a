"""Runs moto's server with what S3 promises of conditional writes: of two at once, one wins. moto looks, then writes."""

from __future__ import annotations

from threading import RLock
from typing import Any

from moto.s3.responses import S3Response
from moto.server import main

known = S3Response.put_object
one_by_one = RLock()


def put_object(self: S3Response) -> Any:
    """Write an object while no other request does."""
    with one_by_one:
        return known(self)


S3Response.put_object = put_object  # type: ignore[method-assign]
main()
