"""One executor carries a job from its split to its last task; its worker processes stay."""

from __future__ import annotations

import wave
from pathlib import Path

import psutil

import streamify
from streamify.model.event import Event

SECONDS = 120
"""Of sound in one task: enough for a CPU allowance of its own."""


def test_the_workers_of_split_carry_out_a_long_audio_task(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "in.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(2 * 8000 * SECONDS))
    events: list[Event] = []
    after_split: set[int] = set()

    def take(event: Event) -> None:
        events.append(event)
        if event.kind == "plan.ready":
            after_split.update(child.pid for child in psutil.Process().children(recursive=True))

    streamify.transcode(tmp_path / "in.wav", tmp_path / "out", on_event=take)
    assert [event.kind for event in events].count("engine.ready") == 1
    workers = {event.task: event.worker for event in events if event.kind == "task.started"}
    audio = [worker for task, worker in workers.items() if task != "split"]
    assert audio
    assert after_split >= {workers["split"], *audio}
