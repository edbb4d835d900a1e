"""The page of a result: what it says is what the result says, and no text in it is markup."""

from __future__ import annotations

import dataclasses
import pickle
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import thalweg as tw
from thalweg.cli.main import main
from thalweg.pictures import Fitted
from thalweg.report.markup import script_data, tag

EXAMPLES = Path(__file__).parents[2] / "examples"


def rosenbrock(p):
    x, y = p
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


class Reader(HTMLParser):
    """Checks that elements are closed, and gathers text, scripts and addresses."""

    EMPTY = frozenset({"meta", "br", "input", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.count: dict[str, int] = {}
        self.addresses: list[str] = []
        self.identities: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href", "xlink:href", "action")]
        self.identities += [value or "" for name, value in attributes if name == "id"]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def result() -> tw.Result:
    return tw.minimize(rosenbrock, np.array([-1.2, 1.0]))


def test_the_page_says_what_the_result_says(result: tw.Result, tmp_path: Path) -> None:
    path = result.report(tmp_path / "run.html")
    reader = Reader(path.read_text("utf-8"))
    assert result.verdict.kind.value in reader.text
    assert result.verdict.sentence[1:] in reader.text
    assert all(advice.text in reader.text for advice in result.verdict.advice)
    assert all(name in reader.text for name in result.verdict.evidence)
    assert f"{result.loss:.6g}" in reader.text
    assert result.stopped_by.sentence in reader.text
    assert "rosenbrock, by LBFGS" in reader.text
    assert all(address.startswith("#") for address in reader.addresses)
    assert reader.count["h1"] == 1


def test_no_text_becomes_markup(result: tw.Result, tmp_path: Path) -> None:
    evil = '</script><script>alert(1)</script><img src=x onerror=alert(2)> & "quoted"'
    fitted = Fitted(evil, {evil: 1.0}, np.arange(2), np.arange(2), (evil, "b"), {evil: {evil: 0.5}}, evil)
    notes = dataclasses.replace(result, notes=(evil,))
    plain, hostile = (
        Reader(page.read_text("utf-8"))
        for page in (
            result.report(
                tmp_path / "a.html", title="t", fitted=Fitted("t", {"a": 1.0}, np.arange(2), np.arange(2), ("a", "b"))
            ),
            notes.report(tmp_path / "b.html", title=evil, fitted=fitted),
        )
    )
    assert hostile.count["script"] == plain.count["script"]
    assert hostile.count.get("img", 0) == plain.count.get("img", 0) == 0
    assert evil in hostile.text


def test_a_stored_result_still_has_a_page(result: tw.Result, tmp_path: Path) -> None:
    stored = pickle.loads(pickle.dumps(result))
    reader = Reader(stored.report(tmp_path / "run.html").read_text("utf-8"))
    assert f"{result.loss:.6g}" in reader.text


def test_pictures_as_files(result: tw.Result, tmp_path: Path) -> None:
    assert result.picture("contour", tmp_path / "c.svg") == (tmp_path / "c.svg",)
    stored = pickle.loads(pickle.dumps(result))
    assert [path.name for path in stored.picture("all", tmp_path / "run.png")] == ["run-descent.png"]
    with pytest.raises(tw.ArgumentError, match="it has contour, surface"):
        result.picture("rates", tmp_path / "r.svg")
    with pytest.raises(tw.ArgumentError, match="expected one of contour"):
        result.picture("nonsense", tmp_path / "r.svg")


def test_places_where_no_report_can_be(result: tw.Result, tmp_path: Path) -> None:
    with pytest.raises(tw.ArgumentError, match=r"run\.html"):
        result.report(tmp_path / "run.pdf")
    with pytest.raises(tw.ArgumentError, match="make it first"):
        result.report(tmp_path / "none" / "run.html")
    with pytest.raises(tw.ArgumentError, match="nothing draws"):
        dataclasses.replace(result, presenter=None).report(tmp_path / "run.html")


def test_without_matplotlib_the_message_says_what_to_install(
    result: tw.Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from thalweg.pictures.drawing import figure

    monkeypatch.setattr(figure, "find_spec", lambda name: None)
    with pytest.raises(tw.ArgumentError, match=r"pip install 'thalweg\[pictures\]'"):
        result.report(tmp_path / "run.html")


def test_a_notebook_shows_the_verdict_and_a_picture(result: tw.Result) -> None:
    html = result._repr_html_()
    assert result.verdict.kind.value in html
    assert Reader(html).count["img"] == 1
    assert 'src="data:image/svg+xml;base64,' in html


def test_a_search_has_its_ranges(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    X = generator.normal(size=(80, 3))
    y = X @ [1.0, 2.0, 3.0]
    found = tw.search(
        lambda w, X, y: np.mean((X @ w - y) ** 2),
        np.zeros(3),
        {"learning_rate": tw.LogUniform(1e-4, 1.0)},
        method=tw.GradientDescent,
        data=(X[:60], y[:60]),
        validation=(X[60:], y[60:]),
        rounds=2,
        trials=6,
        stop=tw.MaxSteps(50),
    )
    reader = Reader(found.report(tmp_path / "search.html").read_text("utf-8"))
    assert "The ranges, narrowing" in reader.text
    assert f"{found.best.score:.6g}" in reader.text
    assert found.picture("ranges", tmp_path / "ranges.svg")[0].exists()


def test_the_command_line_writes_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table = str(EXAMPLES / "penguins.csv")
    done = CliRunner().invoke(main, ["fit", table, "--target", "species", "--report", "run.html"])
    assert done.exit_code == 0, done.output
    assert "Report in run.html" in done.output
    reader = Reader(Path("run.html").read_text("utf-8"))
    assert all(words in reader.text for words in ("Confusion matrix", "Coefficients", "Gentoo", "validation rows"))
    early = CliRunner().invoke(main, ["fit", table, "--target", "species", "--report", "run.pdf"])
    assert early.exit_code == 1
    assert "run.html" in early.output
    assert "Reading" not in early.output


def test_importing_the_report_imports_no_matplotlib() -> None:
    code = "import sys, thalweg.report; print('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_tags_and_data_escape() -> None:
    assert tag("p", "<b>", tag("i", "&"), title='"') == '<p title="&quot;">&lt;b&gt;<i>&amp;</i></p>'
    assert "</script>" not in script_data("d", {"a": "</script>"})[:-9]
