"""A server for one finished stream, and the page that plays it."""
