"""How bright highlights are, from the structures in which FFmpeg hands over what the bitstream says."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import pytest
from av.sidedata.sidedata import Type

from streamify.media.source import sidedata
from streamify.media.source.light import light_peak


class Side(bytes):
    """Side data as PyAV gives it: a type, and the bytes of a C structure."""

    type: Type

    @classmethod
    def of(cls, kind: Type, data: bytes) -> Side:
        side = cls(data)
        side.type = kind
        return side


@dataclass
class Picture:
    side_data: list[Side]


@pytest.fixture(autouse=True)
def _container(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyAV makes the container of real frames alone."""
    monkeypatch.setattr(sidedata, "SideDataContainer", lambda picture: picture.side_data)


def content(brightest: int) -> Side:
    return Side.of(Type.CONTENT_LIGHT_LEVEL, struct.pack("=2I", brightest, 100))


def mastering(numerator: int, denominator: int, said: int = 1) -> Side:
    """AVMasteringDisplayMetadata: six rationals of primaries, two of white, darkest, brightest, two flags."""
    return Side.of(
        Type.MASTERING_DISPLAY_METADATA, bytes(64) + struct.pack("=6i", 50, 10_000, numerator, denominator, 1, said)
    )


@pytest.mark.parametrize(
    ("sides", "peak"),
    [
        ([], None),
        ([content(0)], None),
        ([content(800)], 800),
        ([mastering(40_000_000, 10_000)], 4000),
        ([mastering(40_000_000, 10_000), content(1500)], 1500),
        ([mastering(1000, 1), content(4000)], 1000),
        ([mastering(1000, 10_000), content(1000)], 1000),
        ([mastering(1000, 1, said=0)], None),
        ([mastering(1000, 0)], None),
        ([content(65_535)], None),
    ],
)
def test_the_lower_of_both_where_it_can_be_true(sides: list[Side], peak: int | None) -> None:
    assert light_peak([Picture(sides)]) == peak  # type: ignore[list-item]


def test_the_first_picture_that_says_it() -> None:
    assert light_peak([Picture([]), Picture([content(700)]), Picture([content(900)])]) == 700  # type: ignore[list-item]
