"""Whether a picture that comes no later than those before it is the first of another recording. Pure.

For judging: the plan has a rule of its own (`bitstream.restarts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

LOOKED_AT = 48
"""Most pictures on either side."""


def begins_anew(
    before: Sequence[Fraction], behind: Sequence[tuple[Fraction, bool]], step: Fraction, falls: Sequence[bool]
) -> bool:
    """Return whether another recording begins with the first picture of `behind`, a keyframe.

    It does where about as many pictures come up to where the clock was as there were before. A picture whose time alone
    is off has none behind it, and where the clock falls at other places, too, times are no proof.

    Args:
        before: When pictures of the same recording are shown, in any order.
        behind: The same of those that follow, and whether each is a keyframe.
        step: Usual distance of pictures.
        falls: Of pictures nearby that come before the one in front of them, whether they are keyframes.
    """
    if not before or not behind or not behind[0][1] or behind[0][0] > max(before):
        return False
    first, latest = behind[0][0], max(before)
    after = [first]
    for time, key in behind[1:]:
        if key and time <= max(after):
            break
        after.append(time)
    over = sum(time >= first for time in before)
    if sum(time <= latest for time in after) * 2 < min(over, len(after)):
        return False
    if over == 1 and len(after) > 1 and min(after[1:]) >= latest + step * 3 / 2:
        return False
    if all(key for _, key in behind):
        gaps = [two - one for part in (sorted(before), sorted(after)) for one, two in pairwise(part)]
        return over > 2 or all(4 * abs(gap - step) <= step for gap in gaps)
    return all(falls)
