"""Words of a source as WebVTT cues."""
