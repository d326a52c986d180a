"""Mono streams of a source as the channels of one track: each is decoded and placed by itself, then they are put side
by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from av.audio.frame import AudioFrame

from streamify.media.audio.mixing import Mixer
from streamify.media.audio.resample import FORMAT, WIDTH, Planes
from streamify.media.audio.samples import LAYOUTS, AudioLog, AudioSource, units
from streamify.model.track import AudioTrack


def sound(source: AudioSource, track: AudioTrack, frame: int, start: int, stop: int, log: AudioLog) -> Iterator[Planes]:
    """Yield each `frame` samples of a track from `start` to `stop`, be it of one stream or of several."""
    recipe = track.recipe
    if not recipe.joined:
        yield from units(source, track, frame, start, stop, log)
        return
    layout = LAYOUTS[recipe.channels]
    mixer = Mixer(layout, recipe.channels)
    parts = list(_parts(source, track))
    logs = [AudioLog(errors=log.errors, changes=log.changes) for _ in parts]
    channels = [units(*part, frame, start, stop, own) for part, own in zip(parts, logs, strict=True)]
    for planes in zip(*channels, strict=True):
        mono = tuple(both[0] for both in planes)  # a mono stream is the same on both
        yield mono if recipe.layout == layout else _mixed(mono, track, mixer)
    for own in logs:
        log.gaps, log.cut, log.padding = log.gaps + own.gaps, log.cut + own.cut, log.padding + own.padding
        log.decoded += own.decoded
        log.undecoded = max(log.undecoded, own.undecoded)  # they lie beside each other


def _parts(source: AudioSource, track: AudioTrack) -> Iterator[tuple[AudioSource, AudioTrack]]:
    """Yield each of the streams as a source and a stereo track of its own."""
    recipe = track.recipe
    slices = (source.slice, *(source.joined or (None,) * len(recipe.joined)))
    for stream, where in zip((recipe.stream, *recipe.joined), slices, strict=True):
        own = recipe.model_copy(update={"stream": stream, "joined": (), "layout": "", "channels": 2})
        yield replace(source, slice=where, joined=()), track.model_copy(update={"recipe": own})


def _mixed(planes: Planes, track: AudioTrack, mixer: Mixer) -> Planes:
    samples = len(planes[0]) // WIDTH
    frame = AudioFrame(format=FORMAT, layout=track.recipe.layout, samples=samples)
    for plane, data in zip(frame.planes, planes, strict=True):
        plane.update(data.ljust(plane.buffer_size, b"\0"))
    frame.sample_rate = track.sample_rate
    return tuple(bytes(plane)[: samples * WIDTH] for plane in mixer(frame).planes)
