"""Whether a loss is convex, proven from its graph: see `convexity`."""

from .convexity import Convexity, ConvexityKind, Counterexample, convexity, convexity_of

__all__ = ["Convexity", "ConvexityKind", "Counterexample", "convexity", "convexity_of"]
