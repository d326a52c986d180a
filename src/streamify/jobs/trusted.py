"""Whether a plan keeps to its job. Whoever owns the decoder writes the plan: it must name no other source and no key
outside DEST.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from streamify.dest.layout import (
    all_words_key,
    init_key,
    is_segment_list,
    sheet_key,
    streamify_track_of,
    thumbnails_folder,
)
from streamify.errors import DestinationError
from streamify.model.plan import Plan
from streamify.model.source import SourceRef

_SHA256 = re.compile("[0-9a-f]{64}")


def refuse_foreign(plan: Plan, ref: SourceRef) -> None:
    """Refuse a plan that reaches beyond its job.

    Args:
        plan: As the split task wrote it.
        ref: The source that it was asked to split.

    Raises:
        DestinationError: ``plan-foreign``.
    """
    found = "; ".join(_foreign(plan, ref))
    if found:
        raise DestinationError(
            "plan-foreign",
            f"the plan reaches beyond its job: {found}",
            "the source may be an attack on the decoder; keep it for examination, and remove the plan",
        )


def _foreign(plan: Plan, ref: SourceRef) -> Iterator[str]:
    if plan.source.ref != ref:
        yield f"its source is {plan.source.ref.key[:200]!r}, not {ref.key!r}"
    for track in plan.tracks:
        if streamify_track_of(init_key(track.folder)) != track.id:
            yield f"a track is called {track.id[:200]!r}"
    for words in plan.text:
        if streamify_track_of(all_words_key(words.folder)) != words.id:
            yield f"a track is called {words.id[:200]!r}"
        if words.recipe.file is not None and not _SHA256.fullmatch(words.recipe.file):
            yield f"a subtitle file is called {words.recipe.file[:200]!r}"
    board = plan.storyboard
    if board is not None and streamify_track_of(sheet_key(thumbnails_folder(board.id), 0)) != board.id:
        yield f"a storyboard is called {board.id[:200]!r}"
    if plan.segment_list and not is_segment_list(plan.segment_list):
        yield f"its segment list is {plan.segment_list[:200]!r}"
