"""Products with windows of the unit matrix."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from thalweg.graph import ArrayType, Graph, constant, evaluate, input_node, make
from thalweg.ops.contraction import dot
from thalweg.ops.structure import slice_
from thalweg.rewrite import simplify


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_a_window_of_the_unit_matrix_moves_numbers_and_computes_nothing(data: Any) -> None:
    size = data.draw(st.integers(2, 6))
    starts = data.draw(st.tuples(*[st.integers(0, size - 1)] * 2))
    extents = tuple(data.draw(st.integers(1, size - start)) for start in starts)
    summed, side = data.draw(st.integers(0, 1)), data.draw(st.integers(0, 1))
    place = data.draw(st.integers(0, 1))
    shape = [3, 3]
    shape[place] = extents[summed]
    numbers = np.random.default_rng(0).standard_normal(shape)
    given_ = input_node(ArrayType(tuple(shape), np.dtype(float)), "x")
    unit = make(slice_, constant(np.eye(size)), window=(starts, (1, 1)), shape=extents)
    operands, axes = ([given_, unit], [place, summed]) if side else ([unit, given_], [summed, place])
    product = make(dot, *operands, contract=((axes[0],), (axes[1],)), batch=((), ()))
    graph = Graph((given_,), (product,))
    simple = simplify(graph).check()
    assert np.array_equal(evaluate(simple, [numbers])[0], evaluate(graph, [numbers])[0])
    window = evaluate(Graph((), (unit,)), [])[0]
    assert not window.any() or all(node.primitive is not dot for node in simple.nodes)
