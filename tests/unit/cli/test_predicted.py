"""``streamify plan --engine aws``, over a prediction that is given."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from streamify.backends.aws.pricing import predict
from streamify.backends.aws.pricing.cost import predict_job
from streamify.backends.aws.pricing.deployment import Deployment
from streamify.backends.aws.pricing.work import Call
from streamify.cli.show.predicted import dollars
from streamify.jobs.engine import Stop
from streamify.model.location import Location
from streamify.model.plan import Estimate, Plan, Timeline
from streamify.model.settings import MediaSettings, Settings
from streamify.model.source import SourceFacts, SourceRef

Cli = Callable[..., Any]


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """Answer with a job of one task of 100 s; return the settings that were asked for."""
    found: list[Settings] = []

    def predict_source(_: Location, settings: Settings, __: Stop | None = None) -> predict.Planned:
        found.append(settings)
        ref = SourceRef(key="in.mp4", size=1, version="1", identity="0")
        facts = SourceFacts(ref=ref, container="mov", duration=Fraction(6), access="whole", scanned=False, video=None)
        timeline = Timeline(time_base=Fraction(1), origin=0, timescale=1, frame_duration=None, end=6)
        plan = Plan(codec_build="av", source=facts, settings=MediaSettings(), timeline=timeline, segments=1,
                    target_duration=6, video=(), audio=(),
                    estimate=Estimate(media_bytes=1, worker_bytes=1, cost=()))  # fmt: skip
        stack = Deployment(name=settings.stack, assumed=(f"stack '{settings.stack}' was not found: all is assumed",))
        task = Call("audio/x/00000", 1000, "audio", 100.0, 100.0, gets=0, puts=0)
        return predict.Planned(plan, predict_job(plan, [task], stack, sampled=True))

    monkeypatch.setattr(predict, "predict_source", predict_source)
    return found


def test_the_table(cli: Cli, asked: list[Settings]) -> None:
    found = cli("plan", "in.mp4", "--engine", "aws", "--stack", "mine", "--max-cost", "5")
    assert (found.code, asked[0].stack, asked[0].max_cost) == (0, "mine", 5)
    for part in ("Plan: 1 segment x 0 tracks", "172.8 GB-s",
                 "list prices of us-east-1", "Slowest task: audio/x/00000, about 100",
                 "measured on this machine", "Assumed: stack 'mine' was not found"):  # fmt: skip
        assert part in found.out


def test_one_document_with_the_plan_and_the_prediction(cli: Cli) -> None:
    found = cli("plan", "in.mp4", "--engine", "aws", "--json").json
    assert found["segments"] == 1
    assert found["aws"]["invocations"] == 3
    assert found["aws"]["cost"]["total"] == pytest.approx(sum(found["aws"]["cost"].values()) / 2)
    assert Plan.model_validate({key: value for key, value in found.items() if key != "aws"}).segments == 1


def test_above_the_cap_it_is_refused(cli: Cli) -> None:
    found = cli("plan", "in.mp4", "--engine", "aws", "--max-cost", "0.001")
    assert found.code == 7
    assert "Lambda time" in found.out
    assert "[cost-too-high]" in found.err
    assert cli("plan", "in.mp4", "--engine", "aws", "--max-cost", "0.001", "--json").json["error"]["code"] == (
        "cost-too-high"
    )


def test_a_cap_is_above_nothing(cli: Cli) -> None:
    found = cli("plan", "in.mp4", "--engine", "aws", "--max-cost", "0")
    assert (found.code, "greater than 0" in found.err) == (2, True)


def test_amounts() -> None:
    assert [dollars(one) for one in (1234.5, 0.5, 0.0123, 0.000025)] == ["$1,234.50", "$0.5000", "$0.0123", "$0.000025"]
