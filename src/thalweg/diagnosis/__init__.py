"""What a descent found, and how sure that is: curvature, rays, and the verdict."""

from typing import TYPE_CHECKING

from ..on_demand import on_demand
from .judge import judge
from .spectrum import Spectrum, curvature
from .verdict import Advice, Verdict, VerdictKind

if TYPE_CHECKING:
    from .explanation import Explanation, explain

__all__ = ["Advice", "Explanation", "Spectrum", "Verdict", "VerdictKind", "curvature", "explain", "judge"]

# Verdicts need no explanation.
__getattr__ = on_demand(__name__, {"explanation": ["Explanation", "explain"]})
