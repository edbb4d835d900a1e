"""Products of a mini-batch with a large matrix of parameters, which threads share by features.

Each chunk has some of the features: it copies these of all examples, and multiplies them with their rows of the matrix. It has the same
rows when their gradient is computed and they are updated (see `deferred`), so that they stay in the cache of one core. What the
chunks have is added up, in a fixed order, where an example is worked on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from ...graph import Graph, Node
from ...ops.contraction import dot
from ..examples import Examples
from .arrays import Function
from .batches import SharedBatch
from .copies import emit_combine, emit_copy
from .deferred import ROWS, rows_share
from .emitter import Emitter
from .operands import Operand
from .product_axes import Product, product_of
from .products import emit_product
from .sweeps import Sweep, begin_sweep, emit_sweep
from .views import Area, View, contiguous_strides

__all__ = ["FeatureProducts"]


_MOST = 2
"""What all chunks leave is at most so many times as much as the matrix."""


@dataclass(eq=False)
class FeatureProducts:
    """The products of an evaluation that are shared by features, and where the chunks leave theirs.

    batch: keeps some of the data for all examples; the products of these with matrices are shared so.
    """

    emitter: Emitter
    graph: Graph
    batch: SharedBatch
    parts: dict[Node, View] = field(default_factory=dict)

    def emit(self, view_of: Callable[[Node], View]) -> None:
        """Emits a sweep over the features. view_of: where a matrix lies."""
        emitter = self.emitter
        assert emitter.tiling is not None
        products: dict[Node, tuple[Product, View]] = {}
        for node in self.graph.nodes:
            if self._is_candidate(node):
                matrix = view_of(node.operands[1])
                place = emitter.memory.buffer(Area.WORKSPACE, emitter.tiling.chunks * node.type.size, node.dtype)
                part = View(place, 0, contiguous_strides(node.shape), node.shape, example_stride=node.type.size)
                product, is_swapped = product_of(node, self.batch.kept[node.operands[0]], matrix, part)
                if not is_swapped and product.n.b == 1 and product.n.extent > 1 and not product.outer:
                    products[node] = product, matrix
                    self.parts[node] = part
        if not products:
            return
        self.batch.by_columns = {node.operands[0] for node in products}
        sweep = begin_sweep(emitter)
        self._emit_chunk(sweep, products)
        emit_sweep(emitter, sweep)

    def _is_candidate(self, node: Node) -> bool:
        """Whether it multiplies data that are kept, as they are, with a matrix that does not depend on the examples."""
        if node.primitive is not dot or node not in self._examples.axis or self._examples.phase[node]:
            return False
        data, matrix = node.operands
        is_kept = data.is_input and data in self.batch.kept and len(data.shape) == 2 and self._examples.axis[data] == 0
        is_of_rows = len(matrix.shape) == 2 and node.attributes["contract"][0] == (1,) and len(node.shape) == 2
        is_of_one_type = data.dtype == matrix.dtype == node.dtype
        if not (is_kept and is_of_rows and is_of_one_type) or matrix in self._examples.axis:
            return False
        # What the chunks leave is written and read once; without them, half of the matrix changes cores.
        assert self.emitter.tiling is not None
        return node.shape[0] * self.emitter.tiling.chunks <= _MOST * data.shape[1]

    @property
    def _examples(self) -> Examples:
        assert self.emitter.examples is not None
        return self.emitter.examples

    def _emit_chunk(self, sweep: Sweep, products: Mapping[Node, tuple[Product, View]]) -> None:
        """The features of a chunk: copied, then multiplied."""
        function, emitter = sweep.function, self.emitter
        assert emitter.tiling is not None
        shares = {
            data: rows_share(function, data.shape[1], sweep.chunk, emitter.tiling.chunks)
            for data in self.batch.by_columns
        }
        for data, share in shares.items():
            self.batch.emit_columns(function, data, share, ROWS)
        for node, (product, matrix) in products.items():
            share = shares[node.operands[0]]
            function.example = sweep.chunk
            views = self.batch.kept[node.operands[0]], matrix, self.parts[node]
            a, b, c = (Operand(function.start_of_view(view), view.buffer.dtype) for view in views)
            a, b = (x.moved(function, share.first, stride) for x, stride in ((a, product.k.a), (b, product.k.b)))
            emit_product(function, product, (a, b, c), None, False, emitter.vector_bytes, share.count)

    def emit_totals(
        self, function: Function, nodes: Collection[Node], rows: int, wanted: Mapping[Node, View | None]
    ) -> dict[Node, View]:
        """Adds up, for the examples of a tile, what the chunks have left; returns where it lies."""
        emitter, found = self.emitter, {}
        assert emitter.tiling is not None
        for node, part in self.parts.items():
            if node in nodes:
                width = node.shape[1]
                shape = (rows, width)
                place = emitter.memory.array(Area.SCRATCH, shape, node.dtype)
                first = View(part.buffer, 0, (width, 1), shape, example_stride=width)
                step, chunks = node.type.size * node.dtype.itemsize, emitter.tiling.chunks
                emit_combine(function, "sum", first, place, step, chunks, emitter.vector_bytes)
                found[node] = place
                target = wanted.get(node)
                if target is not None:
                    emit_copy(function, place, target, emitter.vector_bytes)
        return found
