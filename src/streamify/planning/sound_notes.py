"""What the plan changes of the sound, said as notes. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from streamify.codecs.registry import audio_codec
from streamify.model.settings import MediaSettings
from streamify.model.source import AudioFacts, Note, SourceFacts
from streamify.planning.audio import WAV_CHANNELS, has_surround, output_rate


def sound_notes(facts: SourceFacts, settings: MediaSettings) -> Iterator[Note]:
    """Yield what of the sound is not kept as it is."""
    for audio in facts.audio:
        where = f"audio stream {audio.stream}"
        surround = settings.surround if has_surround(audio) else "off"
        yield from _mix(audio, where, surround)
        if audio.sample_rate != output_rate(audio):
            why = f"resampled to {output_rate(audio)} Hz"
            yield Note(kind="converted", what=f"{where}: {audio.sample_rate} Hz", why=why)
        elif surround != "off" and audio.sample_rate != output_rate(audio, surround):
            why = f"its 5.1 is resampled to {output_rate(audio, surround)} Hz for {audio_codec(surround).title}"
            yield Note(kind="converted", what=f"{where}: {audio.sample_rate} Hz", why=why)


def _mix(audio: AudioFacts, where: str, surround: str) -> Iterator[Note]:
    """Yield what becomes of a track's channels."""
    if audio.channels == 1:
        yield Note(kind="converted", what=f"{where}: mono", why="the same signal on both channels")
    if audio.channels <= 2:
        return
    levels = "the levels that the stream carries, else those of ITU-R BS.775; lowered so that nothing clips"
    beside = f"; as 5.1 ({audio_codec(surround).title}) beside it" if surround != "off" else ""
    yield Note(kind="converted", what=f"{where}: {audio.layout}", why=f"mixed down to stereo by {levels}{beside}")
    if audio.layout == f"{audio.channels} channels":
        taken = "in the order of WAV" if audio.channels <= WAV_CHANNELS else "evenly on both sides"
        yield Note(kind="info", what=f"{where}: channels without labels", why=f"taken {taken}")
    elif surround == "off" and audio.layout != "2.1" and any(bass in audio.layout for bass in (".1", ".2", "LFE")):
        why = "no part of a stereo mix (ITU-R BS.775), unless the stream carries a level for it"
        yield Note(kind="dropped", what=f"{where}: the LFE channel", why=why)
