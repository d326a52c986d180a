"""The values that cross process boundaries: frozen, typed, JSON both ways, unknown keys refused."""
