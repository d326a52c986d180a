"""What AWS asks: the one table of prices, with its date. List prices; an account's own discounts are not in it."""

from __future__ import annotations

from typing import Literal

from streamify.model.base import Frozen

Architecture = Literal["x86_64", "arm64"]


class Prices(Frozen):
    """US dollars, without the free tier. Where each stands is said in ``docs/guides/aws.md``, section Cost."""

    as_of: str
    """Year and month in which they were looked up: check them against AWS's pages."""
    region: str
    gb_second: dict[Architecture, float]
    """Of Lambda: one GiB of a function's memory for one second."""
    request: float
    """One call of a Lambda function."""
    transition: float
    """One state transition of a Standard workflow."""
    put: float
    """One PUT or LIST request to S3 Standard."""
    get: float
    """One GET or HEAD request to S3 Standard."""
    gb_month: float
    """10**9 bytes in S3 Standard for a month, the first 50 TB."""


PRICES = Prices(
    as_of="2026-11",
    region="us-east-1",
    gb_second={"x86_64": 0.0000166667, "arm64": 0.0000133334},
    request=0.20 / 1_000_000,
    transition=0.025 / 1000,
    put=0.005 / 1000,
    get=0.0004 / 1000,
    gb_month=0.023,
)
"""Traffic between Lambda and S3 of one region is free."""
