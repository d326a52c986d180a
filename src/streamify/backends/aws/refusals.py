"""What AWS refuses, as an error of ours: the one place where botocore's exceptions are read."""

from __future__ import annotations

from typing import Any

from streamify.errors import DestinationError
from streamify.storage.object_errors import KnownError

_KNOWN = (  # marks: error codes of AWS, and names of botocore's own exceptions
    KnownError(
        "aws-credentials",
        "the credentials have expired: get new ones (aws sso login, aws configure) and run the same command again",
        ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired", "SSOTokenLoadError",
         "UnauthorizedSSOTokenError", "TokenRetrievalError"),
    ),
    KnownError(
        "aws-credentials",
        "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; try: aws sts get-caller-identity",
        ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound", "SSOError",
         "InvalidConfigError", "ConfigParseError", "InvalidClientTokenId", "UnrecognizedClientException",
         "InvalidSignatureException", "SignatureDoesNotMatch", "InvalidAccessKeyId", "AuthFailure", "InvalidToken",
         "MissingAuthenticationToken", "MissingAuthenticationTokenException", "IncompleteSignature"),
    ),
    KnownError(
        "aws-denied",
        "grant these credentials that action; docs/guides/aws.md lists what the command line needs",
        ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized", "AllAccessDisabled",
         "KmsAccessDeniedException", "403"),
    ),
    KnownError(
        "aws-region",
        "set AWS_REGION to the region of the stack",
        ("NoRegionError", "InvalidRegionError", "PermanentRedirect", "AuthorizationHeaderMalformed",
         "IllegalLocationConstraintException", "OptInRequired", "SubscriptionRequiredException"),
    ),
    KnownError(
        "aws-limit",
        "a limit of the account: wait and run the same command again, or raise it in Service Quotas",
        ("Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "RequestLimitExceeded",
         "ExecutionLimitExceeded", "ServiceQuotaExceededException", "LimitExceededException", "SlowDown"),
        transient=True,
    ),
    KnownError(
        "aws-no-stack",
        "the stack was changed or deleted meanwhile: deploy it again (docs/guides/aws.md)",
        ("StateMachineDoesNotExist", "StateMachineDeleting"),
    ),
    KnownError(
        "aws-no-execution",
        "check the ARN; AWS forgets executions 90 days after their end",
        ("ExecutionDoesNotExist", "InvalidArn"),
    ),
    KnownError("storage-no-bucket", "deploy the stack again (docs/guides/aws.md)", ("NoSuchBucket",)),
    KnownError(
        "aws-unreachable",
        "wait and run the same command again; check the network, the proxy and AWS_REGION",
        ("EndpointConnectionError", "HTTPClientError", "ConnectionError", "InternalError", "InternalFailure",
         "InternalServerError", "InternalServiceError", "ServiceUnavailable", "ServiceUnavailableException",
         "500", "502", "503", "504"),
        transient=True,
    ),
)  # fmt: skip


def refusal(error: Exception, action: str) -> DestinationError:
    """Return an exception of botocore as one line with AWS's own code and what to do.

    Args:
        error: Any exception of botocore or s3transfer.
        action: What was tried, as IAM names it: ``states:StartExecution``.
    """
    answer: dict[str, Any] = getattr(error, "response", None) or {}
    said = answer.get("Error", {})
    names = {str(said.get("Code") or ""), *(kind.__name__ for kind in type(error).__mro__)}
    code = str(said.get("Code") or type(error).__name__)
    words = " ".join(str(said.get("Message") or error).split())[:300]
    message = f"AWS: {action}: {code}: {words}" if words else f"AWS: {action}: {code}"
    for known in _KNOWN:
        if not names.isdisjoint(known.marks):
            return DestinationError(known.code, message, known.hint, transient=known.transient)
    return DestinationError("aws-failed", message, "see the code in the AWS documentation; run the same command again")
