"""The figures of docs/reference/benchmarks.md, measured: ``python -m benchmarks --help``."""
