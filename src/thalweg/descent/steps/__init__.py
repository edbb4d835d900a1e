"""The steps of a descent as graphs: what is carried, the stages, and when it ends."""

from .status import RECORDED, Status, fired_rules
from .step import OUTSIDE, Step, step_of

__all__ = ["OUTSIDE", "RECORDED", "Status", "Step", "fired_rules", "step_of"]
