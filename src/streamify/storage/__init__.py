"""Uploads and media storage, through obstore."""
