"""Which tracks of sound there are: streams of the source, and mono streams joined to one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from streamify.errors import UsageError
from streamify.model.audio_map import MapEntry, parse_audio_map
from streamify.model.source import AudioFacts, Note
from streamify.planning.speakers import programmes, speaker

WORDS = {"stereo": "stereo, left and right", "quad": "quad, front and back"}
"""Of layouts in notes; all others as FFmpeg names them."""

MAPPED = {2: "stereo", 6: "5.1(side)", 8: "7.1"}


def arrange(audio: Sequence[AudioFacts], audio_map: str | None) -> tuple[tuple[AudioFacts, ...], tuple[Note, ...]]:
    """Return the sound that becomes tracks, in order, and what is said about it.

    Args:
        audio: The source's streams.
        audio_map: The setting; ``None``: labelled mono streams are joined, all others are kept.

    Raises:
        UsageError: ``audio-map-unfit``: the map does not fit the source.
    """
    return _mapped(audio, parse_audio_map(audio_map)) if audio_map is not None else _labelled(audio)


def _labelled(audio: Sequence[AudioFacts]) -> tuple[tuple[AudioFacts, ...], tuple[Note, ...]]:
    found = {tracks[0].stream: _joined(layout, tracks) for layout, tracks in programmes(audio)}
    gone = {number for one in found.values() for number in (one.stream, *one.joined)} - set(found)
    sounds = tuple(found.get(one.stream, one) for one in audio if one.stream not in gone)
    return sounds, (*_notes(found.values(), "by their labels"), *_unlabelled(sounds))


def _mapped(
    audio: Sequence[AudioFacts], entries: Sequence[MapEntry]
) -> tuple[tuple[AudioFacts, ...], tuple[Note, ...]]:
    by_stream = {one.stream: one for one in audio}
    sounds = []
    for number, entry in enumerate(entries):
        tracks = [_stream(by_stream, wanted, entry) for wanted in entry.streams]
        if len(tracks) > 1:
            _check(tracks, entry)
        whole = _joined(MAPPED[len(tracks)], tracks) if len(tracks) > 1 else tracks[0]
        given = {"default": number == 0, **({"language": entry.language} if entry.language is not None else {})}
        sounds.append(whole.model_copy(update=given))
    used = {number for entry in entries for number in entry.streams}
    dropped = (
        Note(kind="dropped", what=f"audio stream {one.stream}", why="not named in the audio map")
        for one in audio
        if one.stream not in used
    )
    return tuple(sounds), (*_notes(sounds, "as the audio map says"), *dropped)


def _stream(by_stream: dict[int, AudioFacts], wanted: int, entry: MapEntry) -> AudioFacts:
    if wanted in by_stream:
        return by_stream[wanted]
    present = ", ".join(map(str, by_stream)) or "none"
    raise _unfit(f"{entry}: stream {wanted} is no audio stream of the source; these are: {present}")


def _check(tracks: Sequence[AudioFacts], entry: MapEntry) -> None:
    for one in tracks:
        if one.channels != 1:
            raise _unfit(f"{entry}: stream {one.stream} has {one.channels} channels, only mono streams are joined")
        if one.sample_rate != tracks[0].sample_rate:
            raise _unfit(f"{entry}: streams of {tracks[0].sample_rate} and {one.sample_rate} Hz cannot be joined")


def _unfit(what: str) -> UsageError:
    return UsageError("audio-map-unfit", f"audio map {what}", "`streamify probe` shows the streams and their channels")


def _joined(layout: str, tracks: Sequence[AudioFacts]) -> AudioFacts:
    """Return several mono streams as one."""
    first, *others = tracks
    return first.model_copy(
        update={
            "channels": len(tracks),
            "layout": layout,
            "joined": tuple(one.stream for one in others),
            "title": first.title if speaker(first) is None else None,
            "default": any(one.default for one in tracks),
        }
    )


def _notes(sounds: Iterable[AudioFacts], reason: str) -> Iterator[Note]:
    for one in sounds:
        if one.joined:
            streams = ", ".join(map(str, (one.stream, *one.joined)))
            shape = WORDS.get(one.layout, one.layout)
            yield Note(kind="converted", what=f"mono audio streams {streams}", why=f"joined {reason}: {shape}")


def _unlabelled(sounds: Sequence[AudioFacts]) -> Iterator[Note]:
    """Yield that mono streams which may be one programme's channels stay apart: nothing says that they are."""
    mono = [one for one in sounds if one.channels == 1 and not one.title and not (one.commentary or one.description)]
    if len(mono) > 1 and len({(one.language, one.sample_rate) for one in mono}) == 1:
        streams = ", ".join(str(one.stream) for one in mono)
        pair = f"{mono[0].stream}+{mono[1].stream}"
        yield Note(
            kind="info",
            what=f"mono audio streams {streams} stay tracks of their own",
            why=f"nothing says which loudspeakers they are for; --audio-map {pair} joins two as left and right",
        )
