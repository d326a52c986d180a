"""Clips made for tests, and what reads them back: numbered pictures, beeps and sweeps."""
