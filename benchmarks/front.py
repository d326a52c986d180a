"""A plot of CPU time and bits as SVG, by hand: some points and their names."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

WIDTH, HEIGHT, MARGIN = 900, 560, 60


def unbeaten(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """Return the names, by CPU time, of those points that no other beats in both: the Pareto front."""
    front: list[str] = []
    for name, (_, bits) in sorted(points.items(), key=lambda item: item[1]):
        if not front or bits < points[front[-1]][1]:
            front.append(name)
    return front


def picture(points: Mapping[str, tuple[float, float]]) -> str:
    """Return SVG: CPU time to the right, bits upwards, both as ratios; the front as a line.

    Args:
        points: CPU time and bits by name.
    """
    cpu, bits = ([point[axis] for point in points.values()] for axis in (0, 1))
    left, right, low, high = min(cpu), max(cpu), min(bits), max(bits)

    def place(point: tuple[float, float]) -> tuple[float, float]:
        across = (point[0] - left) / max(1e-9, right - left)
        up = (point[1] - low) / max(1e-9, high - low)
        return MARGIN + across * (WIDTH - 4 * MARGIN), HEIGHT - MARGIN - up * (HEIGHT - 2 * MARGIN)

    front = unbeaten(points)
    line = " ".join(f"{x:.0f},{y:.0f}" for x, y in (place(points[name]) for name in front))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif"'
        ' font-size="12"><rect width="100%" height="100%" fill="#fff"/>',
        f'<polyline points="{line}" fill="none" stroke="#27c" stroke-width="1.5"/>',
        f'<text x="{MARGIN}" y="24">bits at equal VMAF (upwards, {low:.3f} to {high:.3f}) and CPU time at equal VMAF'
        f" (to the right, {left:.3f} to {right:.3f}); medium: 1; the line joins what nothing beats in both</text>",
    ]
    for name, point in points.items():
        x, y = place(point)
        colour = "#27c" if name in front else "#888"
        parts.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4" fill="{colour}"/>')
        parts.append(f'<text x="{x + 7:.0f}" y="{y + 4:.0f}" fill="{colour}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])
