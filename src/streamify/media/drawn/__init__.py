"""Words drawn as bitmaps, for burning in."""
