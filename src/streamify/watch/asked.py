"""What is asked for with an upload: its settings, and where its stream goes."""

from __future__ import annotations

import time

from streamify.errors import UsageError
from streamify.model.location import Location
from streamify.model.settings import MediaSettings, Settings
from streamify.model.upload import Accepted
from streamify.settings.read import Effective, over
from streamify.settings.sidecar import LIMIT, from_sidecar
from streamify.watch.names import sidecar_of
from streamify.watch.uploads import Seen, Uploads

LONGEST = 850
"""Bytes of a DEST in an object store: keys have at most 1024, and those below DEST add 160."""


def settings_of(seen: Seen, uploads: Uploads, base: Effective) -> Settings:
    """Return the settings of an upload: those of the command, with those of its sidecar over them.

    Raises:
        UsageError: The sidecar is wrong, and all of it counts for nothing; the message names the line.
        SourceError: ``source-missing``, the sidecar is gone.
        DestinationError: It cannot be read.
    """
    if not seen.sidecar:
        return base.settings
    name = sidecar_of(seen.key)
    return over(base, from_sidecar(uploads.read(name, LIMIT + 1), name))


def accepted(seen: Seen, uploads: Location, media: Location, settings: MediaSettings) -> Accepted:
    """Return the record of an upload that gets a job.

    The stream of ``a/b.mov`` is ``MEDIA/a/b.mov/``, extension kept, as on AWS: two uploads never share a DEST.
    """
    key = seen.key.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")  # see `check_names`
    source, dest = uploads.child(key), media.child(key)
    chosen = MediaSettings.model_validate({name: getattr(settings, name) for name in MediaSettings.model_fields})
    return Accepted(
        id=seen.id,
        key=key,
        size=seen.size,
        version=seen.version,
        source=source,
        dest=dest,
        settings=chosen,
        sidecar=seen.sidecar,
        accepted=time.time(),
    )


def check_names(seen: Seen, upload: Accepted) -> None:
    """Refuse an upload whose name cannot be written down, or whose stream cannot have the name that it would get.

    Raises:
        UsageError: ``location-not-utf8`` or ``location-url``.
    """
    if seen.key != upload.key:
        raise UsageError("location-not-utf8", f"the name {upload.key} is not valid UTF-8", "rename it")
    length = len(upload.dest.url.encode())
    if upload.dest.remote and length > LONGEST:
        raise UsageError(
            "location-url",
            f"'{upload.dest}' has {length} bytes: the store could not name the files below it",
            f"give the upload a name so that it has at most {LONGEST}",
        )
