"""What makes two requests the same job."""

from __future__ import annotations

import hashlib
import json

from streamify.model.plan import MEDIA_VERSION
from streamify.model.settings import MediaSettings


def job_identity(source: str, settings: MediaSettings) -> str:
    """Return what is equal for two requests that mean the same work.

    Args:
        source: Identity of the source's version.
        settings: That decide the bytes.
    """
    text = json.dumps([source, settings.model_dump(mode="json"), MEDIA_VERSION], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
