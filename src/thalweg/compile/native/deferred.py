"""Products over all examples of a batch that are left for a sweep of their own.

Where threads share a mini-batch, each takes some of its examples, and has totals of its own. A total as large as a matrix of weights
is better computed once: when all that it multiplies is there, each thread takes some of its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from llvmlite import ir

from ...graph import Graph, Node
from ...ops.contraction import dot
from ...ops.structure import place, reshape
from ..examples import Examples
from .arrays import Function, integer, loop
from .batches import SharedBatch
from .emitter import Emitter
from .groups import ALIASES, Group
from .operands import Operand
from .packing import pack
from .product_axes import Product, packed_size, product_of
from .products import emit_product
from .region import Region
from .shares import Share, share_of
from .sweeps import Sweep, begin_sweep, emit_sweep
from .tiles import Tiling
from .views import Area, View

__all__ = ["ROWS", "Deferred", "Rows", "deferred_products", "rows_share"]

_LARGE_BYTES = 1 << 16
_LARGE_BYTES_OF_DATA = 1 << 14
ROWS = 8
"""Rows of a product are computed so many at a time."""


def deferred_products(graph: Graph, examples: Examples | None, tiling: Tiling | None) -> list[Node]:
    """The totals of a graph that are computed when a sweep has gone over all examples."""
    if examples is None or tiling is None or not tiling.is_split:
        return []
    return [node for node in graph.nodes if node in examples.totals and _is_large_product(node, examples)]


def _is_large_product(node: Node, examples: Examples) -> bool:
    if node.primitive is not dot or not all(operand in examples.axis for operand in node.operands):
        return False
    is_of_data = any(operand.is_input for operand in node.operands)
    return node.type.size * node.dtype.itemsize >= (_LARGE_BYTES_OF_DATA if is_of_data else _LARGE_BYTES)


Follow = Callable[[Node, Share, ir.Value], None]
"""Emits what is done with some rows of a product, which begin at an address."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Where the rows of a product begin among the elements of a group, how long each is, and how many elements all have.

    whole: where these elements lie.
    """

    start: int
    length: int
    size: int
    whole: View

    def elements(self, function: Function, rows: Share) -> Share:
        """The elements of some of the rows."""
        builder, length = function.builder, integer(self.length)
        first = builder.add(builder.mul(rows.first, length), integer(self.start))
        return Share(first, builder.mul(rows.count, length))


@dataclass(eq=False)
class Deferred:
    """The deferred products of an evaluation, and those among them that wait: what they multiply is there, but they are not computed yet.

    views: where the values of the evaluation lie; products are entered as they begin to wait. batch: of which the next examples are asked
    for while products are computed.
    """

    emitter: Emitter
    graph: Graph
    views: dict[Node, View]
    batch: SharedBatch | None = None

    def __post_init__(self) -> None:
        emitter = self.emitter
        self.products = deferred_products(self.graph, emitter.examples, emitter.tiling)
        operands = dict.fromkeys(operand for node in self.products for operand in node.operands)
        self.factors = {node: self._room_for_batch(node) for node in operands}
        self._waiting: Sequence[Node] = []
        self._dependent: set[Node] = set()

    def _room_for_batch(self, node: Node) -> View:
        """A place for a value of all examples of a batch."""
        assert self.emitter.examples is not None
        assert self.emitter.tiling is not None
        axis = self.emitter.examples.axis[node]
        shape = (*node.shape[:axis], self.emitter.tiling.count, *node.shape[axis + 1 :])
        if len(shape) == 2 and axis == 0 and (node.is_input or node.primitive.is_elementwise or node.primitive is dot):
            return self.emitter.memory.spaced(Area.WORKSPACE, shape, node.dtype)
        return self.emitter.memory.array(Area.WORKSPACE, shape, node.dtype)

    def kept_data(self) -> dict[Node, View]:
        """The data among the factors, and where they lie."""
        return {node: view for node, view in self.factors.items() if node.is_input}

    def begin_to_wait(self, products: Sequence[Node], homes: Mapping[Node, View]) -> None:
        """Products whose factors are there wait from now on. homes: where they are wanted."""
        self._waiting = products
        for node in products:
            self.views[node] = homes.get(node) or self.emitter.room_for(node)
        self._dependent = set(products)
        for node in self.graph.nodes if products else ():
            if self.is_awaited_by(node):
                self._dependent.add(node)

    def is_awaited_by(self, node: Node) -> bool:
        """Whether a node cannot be computed before the products that wait."""
        return any(operand in self._dependent for operand in node.operands)

    def emit(self) -> None:
        """Computes the products that wait, in a sweep of their own in which each chunk has some rows."""
        if self._waiting:
            sweep = begin_sweep(self.emitter)
            self.emit_rows(sweep)
            emit_sweep(self.emitter, sweep)

    def emit_before(self, region: Region, group: Group) -> None:
        """Computes them if the group reads them."""
        first = group.nodes[0]
        read = [x for node in group.nodes for x in node.operands if x in self._dependent]
        is_in_place = first.primitive is place and all(
            region.view(piece).is_same(region.views[first].window(starts, steps, piece.shape))
            for piece, (starts, steps) in zip(first.operands, first.attributes["windows"], strict=True)
            if piece in self._dependent
        )
        if read and not is_in_place:
            self.emit()

    def are_read_only_by(self, group: Group) -> bool:
        """Whether the products that wait are needed for a group, and nothing else."""
        inside, ahead = set(group.nodes), set(self._waiting)
        for node in self.graph.nodes:
            if node not in inside and any(operand in ahead for operand in node.operands):
                if not (node.primitive in (place, reshape) or node.primitive in ALIASES):
                    return False
                ahead.add(node)
        return ahead.isdisjoint(self.graph.outputs)

    def emit_rows(self, sweep: Sweep, follow: Follow | None = None, passes_on: bool = False) -> None:
        """Computes them in a sweep, each chunk its rows.

        follow: emits what is done with rows as soon as they are there. passes_on: they are left nowhere else.
        """
        emitter, function = self.emitter, sweep.function
        assert emitter.tiling is not None
        views = {**self.factors, **{node: self.views[node] for node in self._waiting}}
        part = sweep.chunk, emitter.tiling.chunks
        meanwhile = self._requests(function, part)
        largest = max(self._waiting, key=lambda node: node.type.size)
        with emitter.borrowed_scratch():
            for node in self._waiting:
                beside = meanwhile if node is largest else None
                _emit_rows_of(function, emitter, node, views, part, follow, beside, passes_on)
        self._waiting, self._dependent = [], set()

    def _requests(self, function: Function, part: tuple[ir.Value, int]) -> Callable[[ir.Value, int], None] | None:
        """What asks for the next examples of a chunk, a part at a time."""
        batch, tiling = self.batch, self.emitter.tiling
        if batch is None or tiling is None or not batch.looks_ahead:
            return None
        columns = {node: rows_share(function, node.shape[1], *part) for node in batch.by_columns}
        return lambda index, parts: batch.emit_requests(function, part[0], tiling.rows, columns, index, parts)

    def rows_in(self, region: Region, group: Group) -> dict[Node, Rows] | None:
        """Where the rows of the products that wait are among the elements of a group, if it reads nothing else that depends on them."""
        inside = set(group.nodes)
        read = {x for node in group.nodes for x in node.operands if x in self._dependent and x not in inside}
        if len(read) != 1:
            return None
        whole = region.view(read.pop())
        found: dict[Node, Rows] = {}
        for node in self._waiting:
            view = self.views[node]
            length, start = _row_elements(node, {**self.factors, node: view}), view.offset - whole.offset
            is_within = view.buffer == whole.buffer and 0 <= start <= group.shape[0] - node.type.size
            if length is None or not is_within or whole.strides != (1,):
                return None
            found[node] = Rows(start, length, node.type.size, whole)
        return found


def _emit_rows_of(
    function: Function,
    emitter: Emitter,
    node: Node,
    views: Mapping[Node, View],
    part: tuple[ir.Value, int],
    follow: Follow | None,
    meanwhile: Callable[[ir.Value, int], None] | None,
    passes_on: bool,
) -> None:
    """Emits the rows of one product, some at a time. part: which chunk, of how many."""
    memory = emitter.memory
    product, found = _oriented(node, views)
    a, b, c = (Operand(function.start_of_view(view), view.buffer.dtype) for view in found)
    size = packed_size(product)
    packed = function.start_of(memory.buffer(Area.SCRATCH, size, node.dtype)) if size else None
    if packed is not None and not product.outer:
        product, b = pack(function, product, b, packed, emitter.vector_bytes)
        packed = None
    builder, (chunk, chunks) = function.builder, part
    if passes_on:
        size = ROWS * product.n.extent
        c = replace(c, start=function.start_of(memory.buffer(Area.SCRATCH, size, node.dtype)))

    def emit(first: ir.Value, height: int) -> None:
        some = replace(product, m=replace(product.m, extent=height))
        rows = c if passes_on else c.moved(function, first, product.m.c)
        here = a.moved(function, first, product.m.a), b, rows
        emit_product(function, some, here, packed, False, emitter.vector_bytes)
        if follow is not None:
            follow(node, Share(first, integer(height)), rows.start)

    blocks, left = divmod(product.m.extent, ROWS)
    share = share_of(function, blocks, chunk, chunks)
    parts = max(1, blocks // chunks)

    def block(index: ir.Value) -> None:
        if meanwhile is not None:
            with builder.if_then(builder.icmp_signed("<", index, integer(parts))):
                meanwhile(index, parts)
        emit(builder.mul(builder.add(share.first, index), integer(ROWS)), ROWS)

    loop(function, share.count, block, "blocks")
    if left:
        with builder.if_then(builder.icmp_signed("==", chunk, integer(chunks - 1))):
            emit(integer(blocks * ROWS), left)


def rows_share(function: Function, extent: int, chunk: ir.Value, chunks: int) -> Share:
    """The rows of a product that a chunk has."""
    return share_of(function, extent, chunk, chunks, ROWS)


def _row_elements(node: Node, views: Mapping[Node, View]) -> int | None:
    """How many elements each row of a product has, if they and the rows lie one after another in memory; otherwise None."""
    product, _ = _oriented(node, views)
    is_in_order = not product.outer and product.m.c == product.n.extent and (product.n.c == 1 or product.n.extent == 1)
    return product.n.extent if is_in_order else None


def _oriented(node: Node, views: Mapping[Node, View]) -> tuple[Product, list[View]]:
    """The product, and A, B and C in its order."""
    left, right, result = (views[x] for x in (*node.operands, node))
    product, is_swapped = product_of(node, left, right, result)
    return product, [right, left, result] if is_swapped else [left, right, result]
