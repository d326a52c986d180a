"""Plans of earlier schemas, as they would be written today. Streams made from them can be verified."""

from __future__ import annotations

from typing import Any


def upgraded(plan: dict[str, Any]) -> dict[str, Any]:
    """Return a plan in today's schema; what is no plan of an earlier one is returned as it is.

    Schema 1 knew H.264 and stereo AAC alone, and had the fields of recipe and labels in the track itself. What schema 3
    added may be absent. Before `short_start` was a setting, all segments were alike.
    """
    if plan.get("schema") not in (1, 2):
        return plan
    settings = {"settings": {"short_start": False} | plan["settings"]} if "settings" in plan else {}
    if plan["schema"] == 2:
        return plan | {"schema": 3} | settings
    return (
        plan
        | settings
        | {
            "schema": 3,
            "video": [_video(track) for track in plan.get("video", ())],
            "audio": [_audio(track) for track in plan.get("audio", ())],
        }
    )


def _video(track: dict[str, Any]) -> dict[str, Any]:
    recipe = {name: value for name, value in track.items() if name not in ("kind", "id", "name", "timescale")}
    return {
        "id": track["id"],
        "recipe": recipe | {"codec": "h264"},
        "timescale": track["timescale"],
        "labels": {"name": track["name"]},
    }


def _audio(track: dict[str, Any]) -> dict[str, Any]:
    labels = ("language", "title", "default", "commentary")
    recipe = {name: value for name, value in track.items() if name not in ("kind", "id", *labels)}
    return {
        "id": track["id"],
        "recipe": recipe | {"codec": "aac"},
        "timescale": track["sample_rate"],
        "labels": {
            "name": track["title"] or "",
            "language": track["language"],
            "role": "commentary" if track["commentary"] else "main",
            "default": track["default"],
        },
    }
