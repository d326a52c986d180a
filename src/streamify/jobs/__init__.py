"""Jobs: split, fan out, fan in, and everything that looks at a finished stream."""
