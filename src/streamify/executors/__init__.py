"""Engines: where tasks run. They speak the words of `concurrent.futures`."""
