"""What pictures show is what is there: compared with the loss itself, its gradient, and other libraries."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

import thalweg as tw
from thalweg.pictures import Album, Fitted
from thalweg.pictures.landscape import filter_normalised
from thalweg.pictures.scale import Heights
from thalweg.pictures.subject import Subject


def rosenbrock(p):
    x, y = p
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def stretched(p):
    x, y = p
    return x**2 + (y / 1000) ** 2 + 0.5 * x * y / 1000


def himmelblau(p):
    x, y = p
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def valleys(x):
    return np.sum(x**4 - 3 * x**2 + x)


START = np.array([-1.2, 1.0])
GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(60, 4))
CLASSES = np.argmax(X @ GENERATOR.normal(size=(4, 3)), axis=1)
MODEL = tw.models.Perceptron(4, 3, hidden=(5,), objective="cross_entropy")


@pytest.fixture(scope="module")
def network() -> tw.Result:
    return tw.minimize(MODEL.loss, MODEL.start(), data=(X, CLASSES), penalty=tw.L2(1e-2), stop=tw.MaxSteps(60))


@pytest.fixture(scope="module")
def starts() -> tw.Population:
    drawn = tw.Uniform(-5, 5)
    return tw.minimize(himmelblau, np.zeros(2), start=drawn, restarts=24, method=tw.GradientDescent(0.01))


@pytest.mark.parametrize("penalty", [None, tw.L1(0.3)])
def test_a_contour_holds_the_loss(penalty: tw.Penalty | None) -> None:
    result = tw.minimize(rosenbrock, START, penalty=penalty)
    plane = Album(result).find("contour")
    for row, column in [(0, 0), (3, 40), (-1, -1)]:
        here = np.array([plane.x[column], plane.y[row]])
        expected = rosenbrock(here) + (0 if penalty is None else 0.3 * np.abs(here).sum())
        assert plane.loss[row, column] == pytest.approx(expected)
    (path,) = plane.paths
    assert (path.x[0], path.y[0]) == tuple(START)
    assert path.loss[-1] == pytest.approx(result.loss)
    assert plane.x[0] < min(path.x) < max(path.x) < plane.x[-1]
    assert plane.y[0] < min(path.y) < max(path.y) < plane.y[-1]


@pytest.mark.parametrize(("loss", "start"), [(rosenbrock, START), (stretched, np.array([1.0, 3000.0]))])
def test_drawn_arrows_stand_at_right_angles_to_drawn_contour_lines(loss, start) -> None:
    plane = Album(tw.minimize(loss, start, method=tw.GradientDescent(1e-3), stop=tw.MaxSteps(30))).find("contour")
    scale = np.ones(2) if plane.is_equal else np.array([np.ptp(plane.x), np.ptp(plane.y)])
    assert plane.is_equal == (loss is rosenbrock)
    arrows = plane.arrows
    for x, y, dx, dy in zip(arrows.x, arrows.y, arrows.dx, arrows.dy, strict=True):
        gradient = tw.grad(loss)(np.array([x, y]))
        along_line = np.array([-gradient[1], gradient[0]]) / scale  # the loss does not change that way
        drawn = np.array([dx, dy]) / scale
        assert abs(drawn @ along_line) < 1e-8 * np.linalg.norm(drawn) * np.linalg.norm(along_line)
        assert gradient @ [dx, dy] < 0


def test_what_flies_off_does_not_shrink_the_rest() -> None:
    result = tw.minimize(lambda x: 5 * np.sum(x**2), np.ones(2), method=tw.GradientDescent(0.21), stop=tw.MaxSteps(300))
    plane = Album(result).find("contour")
    assert plane.x[0] < -1
    assert plane.x[-1] < 10
    rates = tw.minimize(rosenbrock, START, method=tw.GradientDescent(tw.grid(1e-3, 1.0)))
    assert abs(Album(rates).find("contour").x).max() < 5


def test_a_curve_reaches_over_the_next_hill() -> None:
    curve = Album(tw.minimize(valleys, np.array([1.5]), method=tw.GradientDescent(0.02))).find("curve")
    assert curve.x[0] < -1.3
    assert np.allclose(curve.loss, [valleys(np.array([x])) for x in curve.x])
    assert curve.slopes[0] == pytest.approx(4 * 1.5**3 - 6 * 1.5 + 1)


def test_filters_are_as_long_as_those_of_the_parameters(network: tw.Result) -> None:
    subject = Subject(network)
    layout = subject.problem.layout
    drawn = layout.tree(filter_normalised(layout, subject.end, 1.0, np.random.default_rng(1)))
    for own, random in zip(network.parameters, drawn, strict=True):
        assert np.allclose(np.linalg.norm(own["w"], axis=0), np.linalg.norm(random["w"], axis=0))
        assert np.isclose(np.linalg.norm(own["b"]), np.linalg.norm(random["b"]))


def test_the_landscape_has_the_end_in_its_middle(network: tw.Result) -> None:
    plane = Album(network).find("landscape")
    middle = len(plane.x) // 2
    if len(plane.x) % 2:
        assert plane.loss[middle, middle] == pytest.approx(network.loss)
    assert plane.loss.shape == (len(plane.y), len(plane.x))


def test_principal_directions_are_those_of_the_singular_values(network: tw.Result) -> None:
    from thalweg.descent import retrace

    plane = Album(network).find("principal")
    (way,) = retrace(network)
    offsets = way.parameters - way.parameters[-1]
    sizes = np.linalg.svd(offsets, compute_uv=False)
    assert plane.share == pytest.approx(float(np.sum(sizes[:2] ** 2) / np.sum(sizes**2)))
    (path,) = plane.paths
    lost = np.sum(offsets**2) - np.sum(path.x**2) - np.sum(path.y**2)
    assert lost == pytest.approx(float(np.sum(sizes[2:] ** 2)), abs=1e-9)


def test_slices_touch_their_parabolas() -> None:
    slices = Album(tw.minimize(rosenbrock, START)).find("slices").slices
    hessian = tw.hessian(rosenbrock)(np.ones(2))
    assert np.allclose([one.eigenvalue for one in slices], np.linalg.eigvalsh(hessian), rtol=1e-4)
    for one in slices:
        close = np.abs(one.t) < 0.1 * one.t[-1]
        assert np.abs(one.change - one.parabola)[close].max() < 0.2 * np.abs(one.change).max()


def test_each_point_has_the_colour_of_the_minimum_that_a_descent_from_there_ends_in(starts: tw.Population) -> None:
    picture = Album(starts).find("basins")
    assert len(picture.minima) == 4
    for row, column in [(2, 3), (30, 8), (11, 40), (40, 44)]:
        place = np.array([picture.x[column], picture.y[row]])
        end = tw.minimize(himmelblau, place, method=tw.GradientDescent(0.01))
        nearest = int(np.argmin(np.linalg.norm(picture.minima - end.parameters, axis=1)))
        assert picture.basin[row, column] in (nearest, -1)
    assert np.mean(picture.basin >= 0) > 0.5


def test_members_are_ranked_and_paths_coloured_by_their_basins(starts: tw.Population) -> None:
    album = Album(starts)
    reached = album.find("members")
    assert np.array_equal(reached.loss, sorted(member.loss for member in starts.members))
    for number, path in enumerate(album.find("contour").paths):
        basins = [place for place, basin in enumerate(starts.basins) if number in basin.members]
        assert path.basin == (basins[0] if basins else None)


def test_rates_are_those_of_the_population() -> None:
    result = tw.minimize(rosenbrock, START, method=tw.GradientDescent(tw.powers_of_ten(-5, 0)))
    picture = Album(result).find("rates")
    assert picture.start == pytest.approx(rosenbrock(START))
    assert [rate.loss for rate in result.rates] == picture.loss.tolist()
    assert "overshot: 0.01, 0.1, 1" in picture.description


def test_the_graph_has_the_gradient_as_the_adjoint_of_the_parameters() -> None:
    result = tw.minimize(rosenbrock, START, method=tw.GradientDescent(1e-3), stop=tw.MaxSteps(3))
    graph = Album(result).find("graph")
    (parameters,) = [node for node in graph.operations if node.kind == "parameters"]
    shown = [float(text) for text in parameters.adjoint.strip("[]").split()]
    assert shown == pytest.approx(tw.grad(rosenbrock)(result.parameters), rel=1e-3)
    (loss,) = [node for node in graph.operations if node.kind == "loss"]
    assert float(loss.adjoint) == 1
    assert float(loss.value) == pytest.approx(result.loss, rel=1e-5)


def test_large_graphs_fold_by_layers_whose_links_lead_onwards(network: tw.Result) -> None:
    graph = Album(network).find("graph")
    assert [group.label for group in graph.groups] == ["layer [0]", "layer [1]"]
    assert all(first < second for first, second in graph.links)
    numbers = [operation.number for operation in graph.operations]
    assert numbers == list(range(1, len(numbers) + 1))


def test_large_graphs_fold_by_lines() -> None:
    def loss(p):
        a = np.exp(-p) * np.sin(p) + np.cos(p) ** 2
        b = np.tanh(a) + np.sqrt(1 + a**2) + np.sum(a)
        c = np.log(1 + b**2) * a + np.maximum(b, 0.1)
        d = c / (1 + np.abs(b)) + np.arctan(c)
        return np.sum(d**2) + np.mean(c)

    graph = Album(tw.minimize(loss, np.ones(3), stop=tw.MaxSteps(2))).find("graph")
    assert len(graph.groups) > 3
    assert all(group.label.startswith("line ") for group in graph.groups)
    assert all(first < second for first, second in graph.links)


def test_a_graph_of_many_examples_is_worked_out_for_few() -> None:
    generator = np.random.default_rng(0)
    many = generator.normal(size=(300_000, 4))
    result = tw.minimize(lambda w, X: np.mean((X @ w - 1) ** 2), np.zeros(4), data=many, stop=tw.MaxSteps(2))
    graph = Album(result).find("graph")
    assert graph.rows == 8
    assert "first 8 examples" in graph.description


def test_confusion_and_residuals() -> None:
    actual, predicted = GENERATOR.integers(0, 3, 200), GENERATOR.integers(0, 3, 200)
    result = tw.minimize(rosenbrock, START, stop=tw.MaxSteps(2))
    fitted = Fitted("species", {}, predicted, actual, ("a", "b", "c"))
    assert np.array_equal(Album(result, fitted).find("confusion").counts, confusion_matrix(actual, predicted))
    values = GENERATOR.normal(size=4000)
    residuals = Album(result, Fitted("price", {}, values, values + 1)).find("residuals")
    assert residuals.count == 4000
    assert residuals.mean == pytest.approx(1)
    assert len(residuals.residual) < 4000
    with pytest.raises(tw.ArgumentError, match="one number each"):
        Fitted("price", {}, np.zeros(3), np.zeros(4))


def test_residuals_of_several_targets() -> None:
    result = tw.minimize(rosenbrock, START, stop=tw.MaxSteps(2))
    predicted = GENERATOR.normal(size=(50, 10))
    names = tuple(f"target {number}" for number in range(10))
    fitted = Fitted(", ".join(names), {}, predicted, predicted + np.arange(10), targets=names)
    residuals = Album(result, fitted).find("residuals")
    assert residuals.targets == names[:8]
    np.testing.assert_allclose(residuals.mean, np.arange(8), atol=1e-12)
    assert "target 7: mean 7" in residuals.description
    assert "The first 8 of 10" in residuals.description
    with pytest.raises(tw.ArgumentError, match="one number each"):
        Fitted("price", {}, np.zeros((3, 2)), np.zeros((3, 2)))


def test_a_stored_result_has_its_record_and_nothing_else() -> None:
    import pickle

    result = pickle.loads(pickle.dumps(tw.minimize(rosenbrock, START)))
    assert [picture.name for picture in Album(result)] == ["descent"]


def test_losses_that_cannot_be_traced_have_pictures_too() -> None:
    result = tw.minimize(lambda p: float(rosenbrock(np.asarray(p))), START, gradient="numerical", stop=tw.MaxSteps(30))
    names = {picture.name for picture in Album(result)}
    assert {"contour", "surface", "descent"} <= names
    assert "graph" not in names


def test_heights_stretch_what_lies_low_in_steep_losses() -> None:
    losses = np.logspace(-6, 4, 101)
    heights = Heights.of(losses)
    assert heights.is_logarithmic
    assert np.all(np.diff(heights.of_losses(losses)) >= 0)
    assert np.allclose(heights.of_losses(heights.levels(9)), np.linspace(0, 1, 9))
    assert not Heights.of(np.linspace(0, 1, 50)).is_logarithmic
    assert heights.of_losses(np.array([np.nan, np.inf])).tolist() == [1, 1]


@pytest.mark.parametrize("start", [np.zeros(2), np.array([0.0, 1e-12])])
def test_a_descent_that_does_not_move_has_pictures(start: np.ndarray) -> None:
    result = tw.minimize(lambda p: np.sum(p**2), start)
    assert {"contour", "descent"} <= {picture.name for picture in Album(result)}
