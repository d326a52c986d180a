"""Times of TTML (W3C TTML2, 12.3): clock times, frames, ticks, offsets. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

_CLOCK = re.compile(r"(\d{2,9}):(\d{2}):(\d{2})(?:\.(\d{1,9})|:(\d{2,9})(?:\.(\d{1,9}))?)?")
_OFFSET = re.compile(r"(\d{1,12})(?:\.(\d{1,9}))?(h|m|s|ms|f|t)")
_SECONDS = {"h": Fraction(3600), "m": Fraction(60), "s": Fraction(1), "ms": Fraction(1, 1000)}
_RATES = range(1, 1_000_000_001)

Drop = Literal["nonDrop", "dropNTSC", "dropPAL"]


@dataclass(frozen=True)
class Clock:
    """What the times of a document count (7.2)."""

    frame_rate: int = 30
    """Frames per second of clock times."""
    multiplier: Fraction = Fraction(1)
    """Of the frame rate, for the frames that there are in a second."""
    sub_frames: int = 1
    """In a frame."""
    ticks: int = 1
    """In a second."""
    drop: Drop = "nonDrop"
    smpte: bool = False
    """Whether times are time codes, which count frames."""
    origin: Fraction = Fraction(0)
    """Time at which the programme begins, seconds."""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Clock:
        """Return the clock of a document, by the parameters of its root.

        Args:
            given: By local name, such as ``frameRate``; what makes no sense has its default value.

        Raises:
            ValueError: Its times are those of a day (``timeBase="clock"``), which no film has.
        """
        base = given.get("timeBase", "media")
        if base == "clock":
            raise ValueError("its times are times of the day (ttp:timeBase is clock)")
        rate, sub = _whole(given.get("frameRate"), 30), _whole(given.get("subFrameRate"), 1)
        usual = rate * sub if "frameRate" in given else 1
        drop = given.get("dropMode", "nonDrop")
        return cls(
            frame_rate=rate,
            multiplier=_ratio(given.get("frameRateMultiplier", "")),
            sub_frames=sub,
            ticks=_whole(given.get("tickRate"), usual),
            drop="dropNTSC" if drop == "dropNTSC" else "dropPAL" if drop == "dropPAL" else "nonDrop",
            smpte=base == "smpte",
        )

    def seconds(self, text: str) -> Fraction:
        """Return the seconds of a time expression.

        Raises:
            ValueError: It is none.
        """
        text = text.strip()
        if offset := _OFFSET.fullmatch(text):
            count = Fraction(f"{offset[1]}.{offset[2] or 0}")
            if offset[3] == "f":
                return count / (self.frame_rate * self.multiplier)
            return count / self.ticks if offset[3] == "t" else count * _SECONDS[offset[3]]
        clock = _CLOCK.fullmatch(text)
        if clock is None or int(clock[2]) > 59 or int(clock[3]) > 60:
            raise ValueError(f"'{text[:20]}' is no time")
        whole = (int(clock[1]) * 60 + int(clock[2])) * 60 + int(clock[3])
        frames = Fraction(int(clock[5] or 0)) + Fraction(int(clock[6] or 0), self.sub_frames)
        if frames and frames >= self.frame_rate:
            raise ValueError(f"'{text[:20]}' has a frame that there is not")
        if self.smpte:
            counted = whole * self.frame_rate + frames - self._dropped(int(clock[1]), int(clock[2]))
            return counted / (self.frame_rate * self.multiplier)
        return whole + Fraction(f"0.{clock[4] or 0}") + frames / (self.frame_rate * self.multiplier)

    def _dropped(self, hours: int, minutes: int) -> int:
        """Return how many numbers of frames were left out up to a minute (7.2.3)."""
        if self.drop == "nonDrop":
            return 0
        if self.drop == "dropNTSC":
            return 2 * (hours * 54 + minutes - minutes // 10)
        return 4 * (hours * 27 + minutes // 2 - minutes // 20)


def _whole(text: str | None, usual: int) -> int:
    found = int(text) if text is not None and text.strip().isdecimal() and len(text) < 12 else usual
    return found if found in _RATES else usual


def _ratio(text: str) -> Fraction:
    """Return a multiplier, which old documents write with a colon."""
    parts = text.replace(":", " ").split()
    numbers = [_whole(part, 0) for part in parts]
    return Fraction(*numbers) if len(numbers) == 2 and all(numbers) else Fraction(1)
