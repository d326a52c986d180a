"""``python -m benchmarks.tune_encode REFERENCE RUNG PRESET TUNING CRF OUT``: one encode, and what it took, as JSON."""

from __future__ import annotations

import json
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
from av.video.frame import PictureType

from streamify.media.video.encode import VideoEncoder
from streamify.model.recipe import Tuning, VideoRecipe
from streamify.model.source import Colour
from streamify.model.track import VideoTrack
from streamify.planning.ladder import known_rungs

KEYFRAME_SECONDS = 2


def main() -> None:
    """Encode as a task does: one segment, one thread, IDR pictures where they are asked for, caps of the rung."""
    reference, rung, preset, tuning, crf, out = sys.argv[1:]
    with av.open(reference) as container:
        stream = container.streams.video[0]
        rate = stream.average_rate
        assert rate is not None
        frames = [frame.reformat(format="yuv420p") for frame in container.decode(stream)]
    cap = int(known_rungs()[rung].maxrate * (Fraction(3, 2) if rate > 31 else 1))
    words = Tuning.from_json(tuning)
    recipe = VideoRecipe(
        codec="h264", width=frames[0].width, height=frames[0].height, frame_rate=rate, crf=float(crf), maxrate=cap,
        bufsize=cap * 3 // 2, preset=preset, bframes=3 if words.bframes is None else words.bframes, tuning=words,
    )  # fmt: skip
    track = VideoTrack(id="tune", timescale=rate.numerator, recipe=recipe)
    step = round(rate * KEYFRAME_SECONDS)
    encoder = VideoEncoder(track, Colour(primaries=1, transfer=1, matrix=1))
    began = time.process_time()
    for number, frame in enumerate(frames):
        kind = PictureType.I if number % step == 0 else PictureType.NONE
        encoder.encode(frame, ticks=number * rate.denominator, kind=kind)
    encoder.flush()
    cpu = time.process_time() - began
    made = encoder.package(reorder=2 * rate.denominator, duration=len(frames) * rate.denominator, start=0, sequence=1,
                           captions={})  # fmt: skip
    Path(out).write_bytes(made.init + made.media)
    print(json.dumps({"cpu": cpu, "frames": len(frames), "seconds": float(len(frames) / rate)}))


if __name__ == "__main__":
    main()
