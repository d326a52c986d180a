"""Tasks and networks that misbehave on request."""
