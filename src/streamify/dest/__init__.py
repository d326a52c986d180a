"""What a stream's folder holds and how it is served."""
