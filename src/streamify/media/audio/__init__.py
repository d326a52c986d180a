"""Audio: decode, encode, cut."""
