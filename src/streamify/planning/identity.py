"""What a track is called: a hash of all that decides its bytes, and of nothing else."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from streamify.model.base import Frozen
from streamify.model.plan import MEDIA_VERSION, Timeline
from streamify.model.recipe import AudioRecipe, TextRecipe, VideoRecipe
from streamify.model.settings import MediaSettings
from streamify.model.source import SourceFacts


def track_hash(
    facts: SourceFacts,
    settings: MediaSettings,
    timeline: Timeline,
    recipe: VideoRecipe | AudioRecipe | TextRecipe,
    build: str,
) -> str:
    """Return 8 hex digits that change exactly where the bytes of a track may.

    A changed rung leaves the others' URLs alone, and so does a label. Fields at their default are left out, so that
    a new field of a recipe, of the timeline or of the source's facts keeps every URL of streams that do not use it.

    Args:
        facts: Of the source. Of its pictures all decide; of its sound only what the recipe names.
        settings: Their grid decides where every track is cut.
        timeline: From source time to output time.
        recipe: Of the track.
        build: Exact codec build.
    """
    value = [
        MEDIA_VERSION,
        build,
        facts.ref.identity,
        [str(settings.segment_seconds), str(settings.keyframe_seconds)],
        _given(timeline),
        _given(facts.video) if recipe.kind == "video" and facts.video is not None else None,
        recipe.kind,
        _given(recipe),
    ]
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]


def _given(value: Frozen) -> dict[str, Any]:
    return value.model_dump(mode="json", exclude_defaults=True)
