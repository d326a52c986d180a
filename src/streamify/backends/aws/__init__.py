"""Streamify on AWS: Lambda handlers, and the client of the state machine that calls them."""
