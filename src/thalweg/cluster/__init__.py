"""Descents over several machines, on Ray: every worker holds shards of the examples, and totals come back."""

from .cluster import Cluster

__all__ = ["Cluster"]
