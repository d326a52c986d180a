"""What Lambda calls; all of it lies in the layer."""

from streamify.aws.handlers import assemble, record, split, transcode

__all__ = ["assemble", "record", "split", "transcode"]
