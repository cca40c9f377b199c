"""Errors that end a command: one class per broken promise, an exit code each.

A message says what was needed, what was found, where, and what to do. Bad data is not an error
but a row of `quarantine`; these are raised on the driver only.
"""

from collections.abc import Sequence


class StacksparkError(Exception):
    """Base of every error that a user can cause or meet.

    `exit_code` is the command's; `details` are further lines, shown above the one of the error.
    """

    exit_code = 1
    details: tuple[str, ...] = ()


class UsageError(StacksparkError):
    """The command line or the recipe asks for something that does not exist."""

    exit_code = 2


class RecipeError(UsageError):
    """A recipe has an unknown key, a wrong type or unit, or contradicts itself."""


class InvalidParamsError(UsageError):
    """Parameters of a stage contradict each other."""


class InputError(StacksparkError):
    """An input that the user named cannot be read."""

    exit_code = 3


class LakeError(InputError):
    """The lake is missing, was made by a newer version, or holds no published run."""


class ContractError(StacksparkError):
    """A table breaks its contract; nothing was published."""

    exit_code = 4

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)


class SetupError(StacksparkError):
    """Java, jars, object store, disk or memory are not as needed."""

    exit_code = 5


class MissingExtraError(SetupError):
    """An optional dependency is needed; the message names the extra that brings it."""


class LockedError(StacksparkError):
    """Another run holds the lake."""

    exit_code = 6
