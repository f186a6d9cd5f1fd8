"""What can go wrong in the lab, in words for whoever sits before it."""

from __future__ import annotations

__all__ = ["LabError"]


class LabError(Exception):
    """The lab cannot do what was asked. ``str(error)`` says why, and what to do."""
