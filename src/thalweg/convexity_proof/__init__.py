"""Whether a loss is convex, proven from its graph: see `convexity`."""

from .convexity import Convexity, ConvexityKind, Counterexample, ProvenLoss, convexity

__all__ = ["Convexity", "ConvexityKind", "Counterexample", "ProvenLoss", "convexity"]
