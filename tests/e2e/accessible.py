"""Judges a page with axe-core, as people see it: at two widths, in light and in dark."""

from __future__ import annotations

import json
from functools import cache

import pytest

from e2e import chromium
from players_harness import PLAYERS

AXE = PLAYERS / "node_modules" / "axe-core" / "axe.min.js"
needs_axe = pytest.mark.skipif(not AXE.exists(), reason="no axe-core")


@cache
def _script() -> str:
    return f"(() => {{{AXE.read_text()}}})()"


def judge(page: chromium.Page) -> list[str]:
    """Return what axe-core finds that is serious or worse, in both schemes and at both widths; and what overflows."""
    found = []
    for width, scheme in ((1100, "light"), (375, "dark"), (375, "light"), (1100, "dark")):
        page.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
        page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        page.run(f"globalThis.axe ? 1 : ({_script()}, 1)")
        rules = page.run(
            "axe.run(document, {resultTypes: ['violations']}).then((found) => JSON.stringify(found.violations.map("
            "(one) => [one.impact, one.id, ...one.nodes.map((node) => node.html + node.failureSummary)])))"
        )
        found += [str(one) for one in json.loads(rules) if one[0] in ("serious", "critical")]
        if page.run("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"wider than {width}")
    return found
