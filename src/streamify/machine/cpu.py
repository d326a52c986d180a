"""What processor this is: part of the fingerprint, because SIMD paths decide bytes of sound."""

from __future__ import annotations

import platform
from pathlib import Path

TELLING = ("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512vl", "neon", "asimd", "sve")
"""Features by which codecs choose their code paths."""


def cpu_facts() -> tuple[str, tuple[str, ...]]:
    """Return the processor's name and those of its features that codecs look at."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or "unknown", ()
    facts = dict(line.partition(":")[::2] for line in text.split("\n\n")[0].splitlines())
    named = {key.strip(): value.strip() for key, value in facts.items()}
    flags = (named.get("flags") or named.get("Features") or "").split()
    return named.get("model name") or platform.machine(), tuple(one for one in TELLING if one in flags)
