"""Emitting one evaluation of a graph, phase by phase: what runs whole, then a sweep over the examples, then what needs its totals."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain

from ...graph import Graph, Node
from ...ops.structure import place
from ..repeats import Part, Repeat
from .batches import SharedBatch
from .copies import emit_copy
from .deferred import Deferred
from .emitter import Emitter
from .feature_products import FeatureProducts
from .groups import ALIASES
from .homes import homes_of
from .phases import Phases
from .region import LARGEST_LOCAL, Region
from .repeating import Loops
from .shared_groups import emit_shared_group
from .tile_sweeps import TileSweep
from .views import Area, View

__all__ = ["Evaluation"]


@dataclass(eq=False)
class Evaluation:
    """One evaluation of a graph: of all that a program computes, or of one stage of a descent.

    graph: has the inputs of the whole program. views: where its values lie; grows as they are emitted.
    """

    emitter: Emitter
    graph: Graph
    views: dict[Node, View]

    def __post_init__(self) -> None:
        emitter = self.emitter
        self.deferred = Deferred(emitter, self.graph, self.views)
        self.features: FeatureProducts | None = None
        if emitter.sampling is not None and emitter.tiling is not None and emitter.tiling.is_split:
            self.deferred.batch = SharedBatch(emitter, self.deferred.kept_data())
            self.features = FeatureProducts(emitter, self.graph, self.deferred.batch)
        self.phases = Phases(self.graph, self.emitter.examples, self.deferred.products)

    @property
    def is_shared(self) -> bool:
        """Whether there are sweeps that threads share, and that are given up when a stop is requested."""
        tiling = self.emitter.tiling
        return self.phases.count > 0 and tiling is not None and tiling.chunks > 1

    def emit(self, outputs: Mapping[Node, View | None]) -> Region:
        """Emits the evaluation, phase by phase; `outputs` says where values are wanted, None where that is free.

        Returns the region of what runs whole, which finds the outputs.
        """
        emitter, region = self.emitter, self._whole_region()
        loops = Loops(emitter, region, partial(emitter.function_for_group, emitter.main))
        parts = [self._parts(phase, outputs) for phase in range(self.phases.count + 1)]
        in_loops = {node for part in chain(*parts) if isinstance(part, Repeat) for node in part.replaced}

        def can_move(node: Node) -> bool:
            return self._can_move(node) and not (node.primitive is place and node in in_loops)

        homes = homes_of(self.graph, outputs, can_move, emitter.room_for)
        for phase in range(self.phases.count + 1):
            here = set(self.phases.whole(phase))
            wanted = {node: view for node, view in outputs.items() if node in here}
            wanted |= {node: view for node, view in homes.items() if node in here}
            wanted |= {node: None for node in self.phases.read_elsewhere(here) if node not in wanted}
            if region.share is None or any(region.is_alias(x) and self.deferred.is_awaited_by(x) for x in wanted):
                self.deferred.emit()
            loops.emit_parts(parts[phase], wanted, outputs, self.deferred.emit)
            self.deferred.emit()
            if phase == 0 < self.phases.count and self.features is not None:
                self.features.batch.emit_draw()
                self.features.emit(region.view)
            if phase < self.phases.count:
                self._emit_sweep(phase, homes)
                self.deferred.begin_to_wait(self.phases.deferred_after(phase), homes)
        self._copy_to(outputs, region)
        return region

    def _parts(self, phase: int, outputs: Collection[Node]) -> list[Part]:
        """What is computed whole before the sweep of a phase: node by node, and in loops."""
        nodes = self.phases.whole(phase)
        return self.emitter.parts_of(nodes, {*outputs, *self.phases.read_elsewhere(set(nodes))})

    def _whole_region(self) -> Region:
        """What runs outside of the sweeps."""
        emitter, has_sweeps = self.emitter, self.phases.count > 0
        is_shared = self.is_shared and not emitter.is_large
        return Region(
            emitter.memory,
            self.views,
            Area.WORKSPACE,
            emitter.whole_vector_bytes,
            emitter.constant_view,
            lambda node: not has_sweeps and not emitter.is_large,
            lane_axis=emitter.lane_axis,
            share=partial(emit_shared_group, emitter, self.deferred) if is_shared else None,
        )

    def _can_move(self, node: Node) -> bool:
        """Whether a value has a place of its own, which is free to choose."""
        examples = self.emitter.examples
        is_computed = not (node.is_input or node.is_constant or node.primitive in ALIASES)
        is_per_example = examples is not None and node in examples.axis
        is_small = node.primitive is place and node.type.size <= LARGEST_LOCAL
        return is_computed and not is_per_example and not is_small and node not in self.emitter.lane_axis

    def _emit_sweep(self, phase: int, homes: Mapping[Node, View]) -> None:
        emitter = self.emitter
        assert emitter.examples is not None
        assert emitter.tiling is not None
        swept = self.phases.swept(phase)
        examples, tiling = emitter.examples, emitter.tiling
        TileSweep(emitter, self.graph, examples, tiling, swept, self.views, homes, self.deferred, self.features).emit()

    def _copy_to(self, outputs: Mapping[Node, View | None], region: Region) -> None:
        """Totals that were wanted elsewhere, and outputs that nothing computes."""
        totals = self.emitter.examples.totals if self.emitter.examples else ()
        for node, view in outputs.items():
            if view is None:
                continue
            if node in totals and self.views[node] != view:
                emit_copy(self.emitter.main, self.views[node], view, self.emitter.whole_vector_bytes)
            elif node.is_input or node.is_constant:
                emit_copy(self.emitter.main, region.view(node), view, self.emitter.whole_vector_bytes)
