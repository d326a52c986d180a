"""HLS and DASH text, as pure functions."""
