"""Tasks that misbehave on request."""
