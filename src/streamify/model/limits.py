"""How much a source, a published stream and a task may claim or take: the one place of all fixed limits but of words.

``docs/reference/limits.md`` lists them with what happens beyond. They stop what is hostile or broken: none of them is
near what cameras, recorders and editors write. What an honest source may exceed is a setting (`max_duration`,
`max_pause`, `loss_limit`).
"""

from __future__ import annotations

PICTURE_PIXELS = 80_216_064
"""Pixels of a picture: the most that any level of HEVC or VVC knows (12288 x 6528). 8K has 33 million."""

PICTURES = 8_000_000
"""Pictures of a video track, or packets of a sound track that MP4 indexes: 37 hours at 60 per second."""

INDEX_BYTES = 512 << 20
"""Bytes of an MP4's index (moov); ten hours take about 31 MB."""

TOP_BOXES = 1_000_000
"""Top-level boxes of an MP4: two to a fragment, so more than five days in fragments of a second."""

EDITS = 10_000
"""Entries of an MP4's edit list; what editors write has some hundreds."""

METADATA = 1_000
"""Entries that name one thing: the tags of a Matroska file or of one of its tracks, the comments of an Ogg or FLAC
stream. FFmpeg compares each of them with all others."""

OPEN_SECONDS = 10
"""CPU seconds until FFmpeg has opened a source; 8K takes about one. A source that is read from end to end has a
second more for each `SCANNED_BYTES`, and one for each thousand packets."""

OVERLAP = 4
"""How often an index may name the bytes of the file: each picture is there once, but for a few that writers share."""

STREAMS = 500
"""Streams of a source; all the programmes of a satellite transponder have about 200."""

AUDIO_TRACKS = 64
"""Audio tracks that are offered; recordings of parliaments have about 30."""

IMAGE_SIDE = 16_382
"""Pixels of a side of a poster: WebP has 16,383 at most, and sides are even."""

SLOWEST_SOUND = 1_000
"""Samples of sound per second at the least; telephones have 8,000, old games 4,000."""

FASTEST_SOUND = 768_000
"""Samples of sound per second at the most, twice those of DSD as FFmpeg gives it."""

CHANNELS = 64
"""Channels of an audio stream: ambisonics of the seventh order."""

CHAPTERS = 1_000
"""Chapters of a stream; audio books have about 300."""

SEGMENTS = 100_000
"""Segments of a stream: a week of 6 s."""

PREROLL = 100
"""How often a picture may have to be decoded, on average, to reach others: 20 minutes with one keyframe at their
start, in segments of 6 s. A minute without one costs 5."""

PUBLISHED_TEXT = 512 << 20
"""Bytes of a playlist, manifest or report that `verify` reads; a report of a day in ten tracks has 60 MB."""

PUBLISHED_VALUES = 20_000_000
"""Values of a report or plan that `verify` reads; a report of a week in ten tracks has 8 million."""

TASK_SECONDS = 300
"""CPU seconds that every task has: storage, start and end."""

TABLE_SECONDS = 1
"""CPU seconds for the table of colours of a picture in Dolby Vision with metadata of its own; half is needed."""

ENCODE_PIXELS = 250_000
"""Pixels that a task encodes in a CPU second at the least; 2160p at the slowest preset has a million."""

DECODE_PIXELS = 20_000_000
"""Pixels that a task decodes in a CPU second at the least; 2160p HEVC has 80 million."""

SOUND_SECONDS = 2
"""CPU seconds for a second of sound; it takes some 0.02."""

SCANNED_BYTES = 2_000_000
"""Bytes that split reads in a CPU second at the least, where it must read the source from end to end."""

SPLIT_BYTES = 1 << 30
"""Bytes of memory for split: ten pictures of any size, and the index of ten hours."""
