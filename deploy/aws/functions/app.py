"""What Lambda calls; all of it lies in the layer."""

from streamify.backends.aws.functions.handlers import assemble, publish, record, split, transcode, turn
from streamify.machine.seal import hide

hide()

__all__ = ["assemble", "publish", "record", "split", "transcode", "turn"]
