"""The errors of answering, in the same tree as those of `index` (drawn in index/errors.py).

CitableError
├── BadDataset            an evaluation set that cannot be read
├── BadQuestion           empty, too long, or asks for something that is not configured
├── BadUpload             a file that was sent and cannot be taken
├── ConfigError           a setting is unknown or has a bad value
├── NotAllowed            the key that was shown may not do this
├── PromptError           a prompt template is missing or broken
├── NotFound              no document, passage or answer has this id
└── LLMError              the model could not be reached or did not answer as it must
"""

from __future__ import annotations

from index.errors import CitableError


class BadDataset(CitableError):
    """A file or folder is no evaluation set of a known form."""


class BadQuestion(CitableError):
    """The question is empty or too long, or the request names something that is not configured."""


class BadUpload(CitableError):
    """A file that was sent has a bad name, is empty or too large, or would take the place of another.

    `reason` is a short stable word.
    """

    def __init__(self, reason: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.reason = reason


class ConfigError(CitableError):
    """A setting is unknown or has a value that it cannot have."""


class NotAllowed(CitableError):
    """The key that was shown may not do what is asked."""


class PromptError(CitableError):
    """A prompt template is missing, broken, or asks for an input it is not given."""


class NotFound(CitableError):
    """There is no document, passage or answer with the id."""


class LLMError(CitableError):
    """The LLM failed. `reason` is a short stable word; the message never holds a key or the upstream's own text."""

    def __init__(self, reason: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.reason = reason
        self.retry_after = 0.0  # seconds that the provider asks to be left alone
