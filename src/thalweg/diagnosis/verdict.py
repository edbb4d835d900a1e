"""What a verdict is: the kind of place a descent ended at, the evidence for it, and advice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np

__all__ = ["Advice", "Verdict", "VerdictKind"]


class VerdictKind(Enum):
    """The kinds of places, in the words in which they are said."""

    GLOBAL_MINIMUM = "global minimum"
    LOCAL_MINIMUM = "local minimum"
    FLAT_VALLEY = "minimum along a flat valley"
    NO_MINIMUM = "no minimum: the loss falls towards infinity"
    SADDLE_POINT = "saddle point"
    PLATEAU = "plateau"
    STILL_DESCENDING = "still descending"
    OVERSHOOTING = "overshooting"
    NOISE_FLOOR = "oscillating noise floor"
    STOPPED_BY_VALIDATION = "stopped by validation"
    STOPPED_BY_USER = "stopped by the user"
    UNKNOWN = "unknown"

    @property
    def is_minimum(self) -> bool:
        """Whether it is a minimum of some kind."""
        return self in (VerdictKind.GLOBAL_MINIMUM, VerdictKind.LOCAL_MINIMUM, VerdictKind.FLAT_VALLEY)


@dataclass(frozen=True)
class Advice:
    """What to do. tried: what came of doing it on the same loss, in words; empty where nothing could be tried. in_shell: the text with
    the options of `thalweg fit`, where that has words of its own.
    """

    text: str
    tried: str = ""
    in_shell: str = ""

    def __str__(self) -> str:
        return self._with_trial(self.text)

    def for_shell(self) -> str:
        """As the command says it."""
        return self._with_trial(self.in_shell or self.text)

    def _with_trial(self, text: str) -> str:
        return f"{text} ({self.tried})" if self.tried else text


@dataclass(frozen=True, eq=False)
class Verdict:
    """What a descent found, and how sure that is.

    kind: see VerdictKind. sentence: for a person. evidence: figures by name. advice: each tried on the same loss where that can be.
    gap: a guaranteed bound of f(x) − min f, if there is one. escape: at a saddle point a direction that leads down, nested as the
    parameters; beyond: parameters along it, where the loss is lower. spectrum, convexity: what was found out of the loss, if anything.
    """

    kind: VerdictKind
    sentence: str
    evidence: Mapping[str, float | int | str]
    advice: tuple[Advice, ...] = ()
    gap: float | None = None
    escape: Any = None
    beyond: Any = None
    spectrum: Any = field(default=None, repr=False)
    convexity: Any = field(default=None, repr=False)

    def __str__(self) -> str:
        lines = [f"{self.kind.value}: {self.sentence}" if self.kind.value != self.sentence else self.sentence]
        lines += [f"  {name:24} {_shown(value)}" for name, value in self.evidence.items()]
        lines += [f"  advice: {advice}" for advice in self.advice]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON. Numbers that are not finite become text."""
        return {
            "kind": self.kind.name.lower(),
            "sentence": self.sentence,
            "evidence": {name: _plain(value) for name, value in self.evidence.items()},
            "advice": [{"text": advice.text, "tried": advice.tried} for advice in self.advice],
            "gap": None if self.gap is None else _plain(self.gap),
        }


def _shown(value: float | int | str) -> str:
    return value if isinstance(value, str) else f"{value:,}" if isinstance(value, int) else f"{value:.6g}"


def _plain(value: Any) -> Any:
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else str(float(value))
    return value
