"""What the commands that push have in common: how they end when a push is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

from angel_hf.cli.failure import InputError


class Names(str, Enum):
    """What to do with names of a vocabulary that may not be passed on."""

    PUBLISH = "publish"
    WITHHOLD = "withhold"


@contextmanager
def refusals() -> Iterator[None]:
    """What a push can be refused for; the messages are those of the plan or of the Hub, which hold no token."""
    from huggingface_hub.errors import HfHubHTTPError, HTTPError

    try:
        yield
    except HfHubHTTPError as error:
        raise InputError(_described(error, error.response.status_code)) from None
    except (ValueError, ImportError, RuntimeError) as error:
        raise InputError(str(error)) from None
    except HTTPError as error:
        # Also when the answer to a commit was lost: nobody knows then whether it was made.
        reason = str(error) or type(error).__name__
        raise InputError(f"the connection to the Hub broke off ({reason}); try again: what is there is kept") from None


_REMEDIES = {
    401: "log in with `hf auth login`, or set HF_TOKEN to a token that the Hub knows",
    403: "use a token that may write there",
    412: "look at what was pushed meanwhile, and push again",
}


def _described(error: Exception, status: int) -> str:
    """An answer of the Hub in one line, with what to do."""
    lines = [line.strip() for line in str(error).splitlines() if not line.startswith("For more information")]
    return "; ".join([*filter(None, lines), _REMEDIES.get(status, "try again later")])


@contextmanager
def hub_extra() -> Iterator[None]:
    """Around imports of this package's files, which need the libraries of an extra.

    Raises:
        InputError: one is missing.
    """
    try:
        yield
    except ImportError as error:
        raise InputError(f"pushing needs: pip install 'angel-hf[hub]' ({error})") from error
