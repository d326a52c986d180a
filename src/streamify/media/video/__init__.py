"""Video: decode, scale, encode."""
