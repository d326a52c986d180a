"""Every key below MEDIA that belongs to no stream: what `watch` keeps of the uploads that it saw. Pure.

Layout::

    .streamify-watch/           never served
      accepted/ID.json          uploads whose job was decided on; ID names the version of an upload
      ended/ID.json             how it ended
      deliveries/ID-TARGET.json calls of hooks that were not confirmed yet
      undelivered/...           those that were given up
"""

from __future__ import annotations

WATCH = ".streamify-watch"
"""Its own `.streamify/` holds the lock of the process that watches."""
ACCEPTED = f"{WATCH}/accepted"
ENDED = f"{WATCH}/ended"
DELIVERIES = f"{WATCH}/deliveries"
UNDELIVERED = f"{WATCH}/undelivered"


def accepted_key(upload: str) -> str:
    """Return the key of the record of an upload, by the id of its version, whose job was decided on."""
    return f"{ACCEPTED}/{upload}.json"


def ended_key(upload: str) -> str:
    """Return the key of what became of an upload, by the id of its version."""
    return f"{ENDED}/{upload}.json"


def delivery_key(delivery: str) -> str:
    """Return the key of a hook's call that was not confirmed yet."""
    return f"{DELIVERIES}/{delivery}.json"


def undelivered_key(delivery: str) -> str:
    """Return the key of a hook's call that was given up."""
    return f"{UNDELIVERED}/{delivery}.json"


def record_id(key: str) -> str:
    """Return the id in the key of any of these records."""
    return key.rsplit("/", 1)[-1].removesuffix(".json")
