"""What a descent found, and how sure that is: curvature, rays, and the verdict."""

from .explanation import Explanation, explain
from .judge import judge
from .spectrum import Spectrum, curvature
from .verdict import Advice, Verdict, VerdictKind

__all__ = ["Advice", "Explanation", "Spectrum", "Verdict", "VerdictKind", "curvature", "explain", "judge"]
