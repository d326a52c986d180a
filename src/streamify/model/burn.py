"""Subtitles that are drawn into pictures: what is asked for, what a source has, and what is drawn when."""

from __future__ import annotations

import re
from pathlib import PurePath
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from streamify.model.base import Frozen, Rational

_CHOICE = re.compile(
    r"(?:(\d{1,5})(?::([1-8][0-9A-Fa-f]{2}))?|([A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}))(\.forced)?"
)


BITMAP_CODECS: Final = MappingProxyType({"hdmv_pgs_subtitle": "PGS", "dvd_subtitle": "VobSub", "dvb_subtitle": "DVB"})
"""FFmpeg's names of codecs that can be drawn, and what people call them."""


DRAWN_BY: Final = MappingProxyType({"uharfbuzz": "0.57.0", "python-bidi": "0.6.12"})
"""Packages that draw words, and their versions: others may draw other pixels."""
FONT_BYTES = 32_000_000
"""Bytes of a font file at most."""


class FontFile(Frozen):
    """A font with which text is drawn into pictures."""

    file: str = Field(min_length=1, max_length=4096, description="Path of the font, or its URL in an object store.")
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = Field(
        default=None, description="Of its bytes, hex, once it was read; set by Streamify."
    )
    found: bool = Field(default=False, description="Whether nobody named it; set by Streamify.")

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        return {"file": str(value)} if isinstance(value, str | PurePath) else value


class BurnChoice(Frozen):
    """What the setting asks for."""

    stream: int | None = None
    """Index of the stream in the source; ``None``: the language says it."""
    page: str = ""
    """Of a stream of teletext, such as ``888``; empty: the first one that fits."""
    language: str | None = None
    forced: bool = False
    """Whether only what is forced is wanted."""

    def __str__(self) -> str:
        track = self.language if self.stream is None else f"{self.stream}{':' if self.page else ''}{self.page}"
        return f"{track}{'.forced' if self.forced else ''}"


def parse_burn_in(text: str) -> BurnChoice:
    """Return what the setting `burn_in` asks for.

    Raises:
        ValueError: It is neither a number nor a language.
    """
    found = _CHOICE.fullmatch(text.strip())
    if found is None:
        raise ValueError(
            f"'{text}' should be the number of a subtitle stream, as `probe` shows it, or a language, such as 3, en "
            "or en.forced; of teletext with a page, such as 3:888"
        )
    return BurnChoice(
        stream=int(found[1]) if found[1] else None,
        page=(found[2] or "").upper(),
        language=found[3] or None,
        forced=found[4] is not None,
    )


class BitmapFacts(Frozen):
    """One stream of bitmap subtitles."""

    stream: int
    codec: str
    """FFmpeg's name."""
    language: str | None = None
    """ISO 639 code as the container has it."""
    title: str | None = None
    forced: bool = False
    sdh: bool = False
    """Whether it is for those who hear badly."""
    packets: int | None = None
    """As far as the container says."""


class BurnIn(Frozen):
    """What is drawn into the pictures of a rendition."""

    stream: int | None = None
    """Index of the stream in the source; ``None``: it is a file."""
    codec: str
    """FFmpeg's name; of a file the ending of its name."""
    forced: bool = False
    """Whether only bitmaps that are marked as forced are."""
    page: str = ""
    """Of teletext, such as ``888``."""
    file: str | None = None
    """SHA-256 of a subtitle file, hex."""
    encoding: str = ""
    """In which text of the language was written before UTF-8."""
    font: str | None = None
    """SHA-256 of the font that was given or found for text, hex; fonts of the source come before one that was found."""
    font_found: bool = False
    """Whether nobody named that font."""
    shaper: str = ""
    """Versions of what draws text, and of Unicode by which it does; empty: bitmaps are drawn."""
    canvas: tuple[int, int] | None = None
    """Width and height of the picture that text is drawn for, pixels: that of the largest rendition."""

    @property
    def is_text(self) -> bool:
        """Whether words are drawn."""
        return self.shaper != ""


class BurnPlan(BurnIn):
    """What is drawn into the pictures of a stream, and where it is kept."""

    name: str = ""
    """Of the file, for people."""
    id: Annotated[str, Field(pattern="^([0-9a-f]{16})?$")] = ""
    """Of the folder that holds it; empty in a dry run."""
    shown: int = 0
    """How many times something is shown."""


class BurnBitmap(Frozen):
    """A rectangle of pixels."""

    x: int
    """Of its left edge on the canvas, pixels."""
    y: int
    width: int
    height: int
    palette: str
    """Colours as hex: red, green, blue (full range, not multiplied) and alpha of each."""
    data: str
    """Numbers of colours as `packing` says, base64."""
    packing: Literal["runs", "zlib"] = "runs"
    """``runs``: run lengths of PGS; ``zlib``: RFC 1950."""


class Shown(Frozen):
    """What is shown for a while."""

    start: Rational
    """Seconds on the clock of the source."""
    end: Rational | None
    """Seconds, exclusive; ``None``: up to the end of the film."""
    canvas: tuple[int, int]
    """Width and height of what the bitmaps lie on, pixels."""
    bitmaps: tuple[BurnBitmap, ...]


class BurnPart(Frozen):
    """What is shown while some segments of a stream are."""

    schema_version: Annotated[int, Field(alias="schema")] = 1
    shown: tuple[Shown, ...]
    """In order; no two at the same time."""


SHOWN = 100_000
"""How many times a stream of bitmaps may show something."""
PART_BYTES = 64_000_000
"""Bytes of a `BurnPart` at most."""
PART_SEGMENTS = 10
"""Segments that share one."""
