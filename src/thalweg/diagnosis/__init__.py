"""What can be said of a loss before and after a descent: convex or not, and why."""

from .convexity import Convexity, ConvexityKind, Counterexample, convexity

__all__ = ["Convexity", "ConvexityKind", "Counterexample", "convexity"]
