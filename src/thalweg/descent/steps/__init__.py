"""The steps of a descent as graphs: what is carried, the stages, and when it ends."""

from .fixed import Keeps
from .lanes import LAST_LOSS, LAST_NORM, STATUS, Lanes, in_lanes
from .status import RECORDED, Status, fired_rules
from .step import Outside, Step, settings_of, start_of, starts_of, step_of

__all__ = [
    "LAST_LOSS",
    "LAST_NORM",
    "RECORDED",
    "STATUS",
    "Keeps",
    "Lanes",
    "Outside",
    "Status",
    "Step",
    "fired_rules",
    "in_lanes",
    "settings_of",
    "start_of",
    "starts_of",
    "step_of",
]
