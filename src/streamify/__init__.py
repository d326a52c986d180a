"""Streamify turns one video into an adaptive HLS + DASH stream.

    >>> import streamify
    >>> report = streamify.transcode("in.mp4", "out")  # doctest: +SKIP

Names are loaded on first use, so that ``streamify --help`` imports next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamify._version import __version__

if TYPE_CHECKING:
    from streamify.api import (
        cancel,
        explain,
        list_jobs,
        plan,
        predict,
        probe,
        resume,
        start,
        status,
        transcode,
        transcode_async,
        verify,
    )
    from streamify.backends.aws.pricing.cost import Prediction
    from streamify.errors import (
        CapExceeded,
        DestinationError,
        Failure,
        Interrupted,
        JobCancelled,
        JobsFailed,
        SourceError,
        StreamifyError,
        TasksFailed,
        UsageError,
        VerificationFailed,
    )
    from streamify.executors.base import OnEvent
    from streamify.handle import JobHandle
    from streamify.jobs.verify import TrackCheck, Verification
    from streamify.model.analysis import Explanation
    from streamify.model.event import Event
    from streamify.model.listing import JobList, ListedJob
    from streamify.model.plan import Plan
    from streamify.model.report import Certificate, Report, TrackReport
    from streamify.model.settings import Engine, Preset, Rung, Settings
    from streamify.model.source import Note, SourceFacts
    from streamify.model.status import Cancelled, JobStatus
    from streamify.settings.arguments import RungDict, SettingsDict
else:
    _MODULES = {
        "streamify.api": "cancel explain list_jobs plan predict probe resume start status transcode transcode_async "
        "verify",
        "streamify.backends.aws.pricing.cost": "Prediction",
        "streamify.errors": "CapExceeded DestinationError Interrupted JobCancelled JobsFailed SourceError "
        "StreamifyError Failure TasksFailed UsageError VerificationFailed",
        "streamify.executors.base": "OnEvent",
        "streamify.handle": "JobHandle",
        "streamify.jobs.verify": "TrackCheck Verification",
        "streamify.model.analysis": "Explanation",
        "streamify.model.event": "Event",
        "streamify.model.listing": "JobList ListedJob",
        "streamify.model.plan": "Plan",
        "streamify.model.report": "Certificate Report TrackReport",
        "streamify.model.settings": "Engine Preset Rung Settings",
        "streamify.model.source": "Note SourceFacts",
        "streamify.model.status": "Cancelled JobStatus",
        "streamify.settings.arguments": "RungDict SettingsDict",
    }

    def __getattr__(name):
        from importlib import import_module

        for module, names in _MODULES.items():
            if name in names.split():
                return getattr(import_module(module), name)
        raise AttributeError(f"module 'streamify' has no attribute {name!r}")

    def __dir__():
        return sorted(__all__)


__all__ = [
    "Cancelled",
    "CapExceeded",
    "Certificate",
    "DestinationError",
    "Engine",
    "Event",
    "Explanation",
    "Failure",
    "Interrupted",
    "JobCancelled",
    "JobHandle",
    "JobList",
    "JobStatus",
    "JobsFailed",
    "ListedJob",
    "Note",
    "OnEvent",
    "Plan",
    "Prediction",
    "Preset",
    "Report",
    "Rung",
    "RungDict",
    "Settings",
    "SettingsDict",
    "SourceError",
    "SourceFacts",
    "StreamifyError",
    "TasksFailed",
    "TrackCheck",
    "TrackReport",
    "UsageError",
    "Verification",
    "VerificationFailed",
    "__version__",
    "cancel",
    "explain",
    "list_jobs",
    "plan",
    "predict",
    "probe",
    "resume",
    "start",
    "status",
    "transcode",
    "transcode_async",
    "verify",
]
