"""The one settings model: flags, ``streamify.yaml``, sidecars, API and AWS input use these keys."""

from __future__ import annotations

from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import (
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from streamify.model.audio_map import parse_audio_map
from streamify.model.base import BitRate, Frozen, Rational, Time, bit_rate_schema
from streamify.model.burn import FontFile, parse_burn_in
from streamify.model.caption import parse_caption_tracks
from streamify.model.subtitle import SubtitleFile, parse_subtitles
from streamify.model.text import decimal

X264Preset = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"]
"""Presets of x264, as they are."""
OwnPreset = Literal["balanced", "eco", "quality"]
"""Those of our own: `planning.tuning` says in what they differ from `medium`."""
Preset = Literal[OwnPreset, X264Preset]
Adapt = Literal["auto", "off"]
Surround = Literal["off", "aac", "ac3", "eac3"]
Deinterlace = Literal["field", "frame", "off"]
Publish = Literal["early", "final"]
Engine = Literal["local", "inline", "aws", "ray"]
PosterChoice = Literal["auto", "off"]
SubtitleChoice = Literal["auto", "off"]


_OFF = (
    "adapt", "deinterlace", "surround", "loudness", "thumbnails", "poster", "subtitles", "caption_tracks", "burn_in",
    "preview",
)  # fmt: skip
"""Settings that have the value ``off``."""


def _is_choice(kind: object) -> bool:
    return get_origin(kind) is Literal or any(get_origin(one) is Literal for one in get_args(kind))


def _or_off(schema: dict[str, Any]) -> None:
    schema["anyOf"].append({"const": "off"})


class Rung(Frozen):
    """One step of a ladder. Sizes are given by the shorter side, so that portrait sources get portrait rungs."""

    model_config = ConfigDict(allow_inf_nan=False)

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_.]{0,31}$",
        description="Name in URLs and manifests, such as ``1080p``; unique in a ladder.",
    )
    short_side: int = Field(
        ge=16,
        le=4320,
        description="Pixels of the shorter side; even. A rung above the source's own is left out, never upscaled.",
    )
    crf: float | None = Field(
        default=None,
        ge=1,
        le=51,
        description="Constant rate factor of this rung; ``None`` takes the setting `crf`.",
    )
    maxrate: BitRate = Field(
        json_schema_extra=bit_rate_schema,
        ge=10_000,
        description="Cap of the bitrate, bits per second (``5M``), at up to 30 frames per second (x1.5 above).",
    )
    bufsize: BitRate | None = Field(
        json_schema_extra=bit_rate_schema,
        default=None,
        ge=10_000,
        description="Size of the rate control buffer, bits (``7.5M``); ``None`` takes 1.5 x `maxrate`; at most "
        "2 x `maxrate`.",
    )

    @model_validator(mode="after")
    def _buffer(self) -> Rung:
        if self.short_side % 2:
            raise ValueError(f"rung {self.name}: short_side {self.short_side} is odd; 4:2:0 video needs even sizes")
        if self.bufsize is not None and self.bufsize > 2 * self.maxrate:
            raise ValueError(f"rung {self.name}: bufsize above 2 x maxrate does not hold over segment joins")
        return self


class MediaSettings(Frozen):
    """What decides the bytes of the stream. Part of the plan; never holds anything about where or how fast it runs."""

    model_config = ConfigDict(allow_inf_nan=False, serialize_by_alias=True)

    from_: Time | None = Field(
        default=None,
        alias="from",
        ge=0,
        description="Time of the film with which the stream begins, seconds or ``H:MM:SS``: with the first picture at "
        "or after it, and with the sound of that moment. Where no picture begins within 0.1 s, the one that is shown "
        "then stands from there on.",
    )
    to: Time | None = Field(
        default=None,
        gt=0,
        description="Time of the film with which the stream ends, seconds or ``H:MM:SS``: pictures that begin before "
        "it are in it.",
    )
    ladder: str | tuple[Rung, ...] = Field(
        default="auto",
        description="``auto``, ``auto-content`` (``auto`` without the rungs that show nothing more than smaller ones), "
        "a named ladder (``standard``, ``apple``, ``compact``), rungs by name (``1080p,720p``) "
        "or, in files and the API, a list of rungs.",
    )
    segment_seconds: Rational = Field(
        default=Fraction(6),
        ge=Fraction(1, 2),
        le=10,
        description="Nominal length of a segment, 0.5 to 10 seconds; rounded to whole frames at a constant rate.",
    )
    keyframe_seconds: Rational = Field(
        default=Fraction(2),
        ge=Fraction(1, 10),
        le=10,
        description="Distance of IDR frames, seconds; a segment holds a whole number of such steps.",
    )
    short_start: bool = Field(
        default=True,
        description="Start video with shorter segments: the first is one IDR step, or as many as make a second, and "
        "each following one twice as many until segments are whole (2, 4, then 6 seconds). A stream that is watched "
        "while it is made then plays sooner. ``--no-short-start`` makes all segments alike.",
    )
    preset: Preset = Field(
        default="balanced",
        description="How much CPU time goes into fewer bits. In the mean of films, and beside x264's "
        "``medium``, ``balanced`` takes four fifths of the CPU time and 9 % fewer bits for the same VMAF, ``eco`` "
        "seven tenths of the CPU time and 7 % fewer bits, ``quality`` 1.6 times the CPU time and 18 % fewer bits. "
        "All others are x264's presets, as they are.",
    )
    adapt: Adapt = Field(
        default="auto",
        description="Whether a preset of our own goes by what a few pictures all over the film show: ``auto`` searches "
        "motion further where most of them are screens with text, and as ``medium`` does where some are; the lowest "
        "rung goes by the first picture alone. ``off`` treats all films alike. x264's presets never go by pictures.",
    )
    crf: float = Field(
        default=23,
        ge=1,
        le=51,
        description="Constant rate factor for rungs that name none: lower is better and larger.",
    )
    deinterlace: Deinterlace = Field(
        default="field",
        description="Interlaced pictures: ``field`` makes a picture of each field, so that 50i plays as 50p; ``frame`` "
        "one of each two; ``off`` leaves them as they are.",
    )
    audio_bitrate: BitRate = Field(
        json_schema_extra=bit_rate_schema,
        default=128_000,
        ge=32_000,
        le=320_000,
        description="Bitrate of each stereo AAC-LC track, bits per second: ``128000`` or ``128k``.",
    )

    program: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Number of the programme of a transport stream that holds several; ``None`` takes the one with "
        "the largest picture.",
    )
    surround: Surround = Field(
        default="aac",
        description="Codec of the 5.1 that sound of five channels and more gets beside stereo: ``aac`` (384 kbit/s), "
        "``ac3`` (448 kbit/s), ``eac3`` (384 kbit/s); ``off``: stereo alone.",
    )
    loudness: float | None = Field(
        json_schema_extra=_or_off,
        default=None,
        ge=-40,
        le=-8,
        description="Integrated loudness that every audio track is brought to, LUFS (EBU R128): ``-23`` for broadcast, "
        "``-16`` for the web; the true peak stays below -1 dBTP. ``off`` or `None` leaves levels alone.",
    )
    audio_map: str | None = Field(
        default=None,
        description="Audio streams that become tracks, by the numbers that `probe` shows: ``1+2`` joins two mono "
        "streams as left and right, ``en=1+2,fr=3`` makes two tracks and says their languages; streams that are not "
        "named are dropped; ``None`` keeps all, and joins mono streams labelled as channels of one programme.",
    )
    thumbnails: Rational | None = Field(
        json_schema_extra=_or_off,
        default=None,
        ge=0,
        le=3600,
        description="Seconds from thumbnail to thumbnail, at least 0.1; `None` takes about 2, 4 or 10, in whole "
        "steps from keyframe to keyframe, so that a film has 400 at the most where it is shorter than an hour; ``off`` "
        "or 0 makes none.",
    )
    thumbnail_size: int = Field(
        default=240,
        ge=32,
        le=640,
        description="Pixels of the longer side of a thumbnail; never more than the smallest rendition has.",
    )
    poster: Time | PosterChoice = Field(
        default="auto",
        description="Time of the picture that becomes the poster, in the stream: seconds or ``H:MM:SS``; ``auto`` "
        "chooses one that shows much; ``off`` makes none.",
    )
    preview: Rational | None = Field(
        json_schema_extra=_or_off,
        default=None,
        ge=0,
        le=20,
        description="Seconds of an animated preview (WebP, at most 20), put together from places spread over the film; "
        "``off`` or 0 makes none.",
    )
    subtitles: SubtitleChoice | tuple[SubtitleFile, ...] = Field(
        default="auto",
        max_length=64,
        description="Subtitles: ``auto`` takes the text streams of the source, and files beside it by their names "
        "(``film.en.srt``, ``film.en.forced.srt``, ``film.en.sdh.vtt``); ``LANGUAGE:FILE,...`` (``en:film.srt``, "
        "``en.forced:signs.srt``) adds files; ``off`` makes none. In files and the API also a list of `SubtitleFile`.",
    )
    caption_tracks: str | None = Field(
        json_schema_extra=_or_off,
        default=None,
        max_length=200,
        description="Captions inside the pictures (CEA-608, CEA-708) that become subtitle tracks, too: ``auto`` takes "
        "every channel of CEA-608 that the split saw, and where there is none every service of CEA-708; "
        "``CC1:en,CC3:es`` or ``SERVICE1:en`` takes these and says their languages (``.forced``, ``.commentary`` and "
        "``.default`` as of `subtitles`; else they count as SDH); ``off`` or `None` makes none. The pictures carry "
        "them in any case.",
    )
    burn_in: str | None = Field(
        json_schema_extra=_or_off,
        default=None,
        max_length=40,
        description="Subtitles that are drawn into the pictures of every rendition: number of the stream as `probe` "
        "shows it, or the language of a subtitle file or stream (``3``, ``en``); ``3:888`` is a page of a stream of "
        "teletext; ``en.forced`` draws only what is forced; ``off`` or `None` draws none. Text needs the extra "
        "``streamify[burn]``.",
    )
    burn_in_font: FontFile | None = Field(
        default=None,
        description="Font file (TrueType or OpenType) with which text is drawn: a path, or a URL in an object store; "
        "`None` takes fonts attached to the source, then DejaVu, Noto or Liberation where they are installed.",
    )
    max_duration: Rational = Field(
        default=Fraction(86_400),
        gt=0,
        le=2_592_000,
        description="Seconds of the longest stream that is made; a source that claims more is refused. The default is "
        "24 hours.",
    )
    max_pause: Rational = Field(
        default=Fraction(14_400),
        gt=0,
        le=2_592_000,
        description="Seconds for which a picture may stand before the next one follows; a source with a longer pause, "
        "which mostly is a damaged timestamp, is refused. The default is 4 hours.",
    )
    hold_limit: Rational = Field(
        default=Fraction(43_200),
        ge=0,
        le=604_800,
        description="Seconds for which the first and the last picture are shown while there is only sound, before and "
        "after the pictures. Sound beyond is cut off and named. The default is 12 hours; 0 ends the stream with the "
        "pictures.",
    )
    loss_limit: float = Field(
        default=1,
        ge=0,
        le=100,
        description="Per cent of the pictures, and of each sound, that damage in the source may cost; 2 seconds are "
        "allowed in any case. Pictures that no damage explains are never lost without failing the job.",
    )
    strict: bool = Field(
        default=False,
        description="Refuse a source of which anything is missing or damaged: gaps, corrupt packets, lost pictures or "
        "sound.",
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_switch(cls, value: object, info: ValidationInfo) -> object:
        name = info.field_name or ""
        if name in _OFF and value is False:
            value = "off"  # as YAML reads it
        if name in ("loudness", "caption_tracks", "burn_in", "preview") and value == "off":
            return None
        if name == "thumbnails" and value == "off":
            return 0
        kind = cls.model_fields[name].annotation
        if isinstance(value, bool) and kind is not bool and not _is_choice(kind):
            raise ValueError("should not be a switch (true or false)")  # which Python would take as 1 or 0
        return value

    @field_validator("poster", mode="wrap")
    @classmethod
    def _time_or_choice(cls, value: object, handler: ValidatorFunctionWrapHandler) -> object:
        try:
            return handler(value)
        except ValidationError as error:  # pydantic names what is wrong with either kind of value
            raise ValueError("must be a time (seconds, or such as 1:02:03.5), 'auto' or 'off'") from error

    @field_validator("thumbnails")
    @classmethod
    def _not_more_than_pictures(cls, value: Fraction | None) -> Fraction | None:
        if value is not None and 0 < value < Fraction(1, 10):
            raise ValueError("should be 0, or at least 0.1")
        return value

    @field_validator("preview")
    @classmethod
    def _none_for_zero(cls, value: Fraction | None) -> Fraction | None:
        return value or None

    @field_validator("poster")
    @classmethod
    def _not_before_the_start(cls, value: Fraction | PosterChoice) -> Fraction | PosterChoice:
        if isinstance(value, Fraction) and value < 0:
            raise ValueError("should be 0 or more")
        return value

    @field_validator("to")
    @classmethod
    def _behind_from(cls, value: Fraction | None, info: ValidationInfo) -> Fraction | None:
        start = info.data.get("from_")
        if value is not None and start is not None and value <= start:
            raise ValueError(f"should be later than 'from', which is {decimal(start)} s")
        return value

    @field_validator("audio_map", mode="before")
    @classmethod
    def _map(cls, value: object) -> object:
        text = str(value) if isinstance(value, int) else value
        if isinstance(text, str):
            parse_audio_map(text)
        return text

    @field_validator("caption_tracks")
    @classmethod
    def _caption_tracks(cls, value: str | None) -> str | None:
        if value is None:
            return None
        found = parse_caption_tracks(value)
        return "auto" if found is None else ",".join(map(str, found))

    @field_validator("burn_in", mode="before")
    @classmethod
    def _burn_in(cls, value: object) -> object:
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        return str(parse_burn_in(text)) if isinstance(text, str) and text != "off" else text

    @field_validator("subtitles", mode="before")
    @classmethod
    def _subtitles(cls, value: object) -> object:
        return parse_subtitles(value) if isinstance(value, str) else value

    @field_validator("ladder")
    @classmethod
    def _unique(cls, value: str | tuple[Rung, ...]) -> str | tuple[Rung, ...]:
        if isinstance(value, tuple):
            if not value:
                raise ValueError("a ladder needs at least one rung")
            names = [rung.name for rung in value]
            if len(set(names)) != len(names):
                raise ValueError(f"rung names repeat: {', '.join(names)}")
        return value


class Settings(MediaSettings):
    """All settings of a job: what decides the bytes, and where it runs."""

    engine: Engine = Field(
        default="local",
        description="Where tasks run: ``local`` (this machine's cores), ``inline`` (one after another, in this "
        "process), ``aws`` (Step Functions and Lambda) or ``ray`` (a Ray cluster).",
    )
    address: str | None = Field(
        default=None,
        min_length=1,
        max_length=300,
        description="Ray cluster of the engine ``ray``: ``HOST:PORT`` of its head node, ``ray://HOST:PORT`` from "
        "outside its network, or ``auto`` for the one that this machine belongs to; ``None`` starts a Ray on this "
        "machine, which ends with the job.",
    )
    stack: str = Field(
        default="streamify",
        pattern=r"^[A-Za-z][A-Za-z0-9-]{0,127}$",
        description="CloudFormation stack of the AWS engine.",
    )
    max_cost: float | None = Field(
        default=None,
        gt=0,
        description="Refuse an AWS job whose predicted cost is above this, US dollars.",
    )
    workers: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="Worker processes of the local engine, ``None`` takes the least of cores, CPU quota and memory; "
        "tasks at the same moment on a Ray cluster, ``None`` takes one for each of its CPUs.",
    )
    publish: Publish | None = Field(
        default=None,
        description="When manifests are written: ``early``, from the first segment on, and they grow with the stream; "
        "``final``, when all of it is certified; ``None`` takes ``early`` for a folder, ``final`` elsewhere.",
    )
    replace: bool = Field(
        default=False,
        description="Replace a finished stream of another source at DEST, and state there that cannot be read.",
    )
    replace_grace: float = Field(
        default=3600,
        ge=0,
        le=10_000_000,
        description="Seconds that the media of a replaced stream stay, for viewers who still play it; the end of the "
        "next job at DEST removes them after that. 0 removes them at once.",
    )
    disk_check: bool = Field(
        default=True,
        description="Refuse a job whose stream is likely to need more room than is free at DEST; "
        "``--no-disk-check`` warns instead.",
    )

    def media(self) -> MediaSettings:
        """Return the part that belongs to the plan."""
        return MediaSettings.model_validate(self.model_dump(include=set(MediaSettings.model_fields)))


KEYS: Final = MappingProxyType({field.alias or name: name for name, field in Settings.model_fields.items()})
"""By key, as files and flags have it: name of the field. ``from`` is a keyword of Python."""
MEDIA_KEYS: Final = frozenset(field.alias or name for name, field in MediaSettings.model_fields.items())
"""Keys of what decides the bytes."""
