"""What Lambda calls; all of it lies in the layer."""

from streamify.backends.aws.functions.handlers import assemble, record, split, transcode

__all__ = ["assemble", "record", "split", "transcode"]
