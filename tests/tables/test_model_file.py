"""Model files: what comes back, every damage, messages, and that nothing runs."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from thalweg import ModelFileError
from thalweg.fitting import TableModel
from thalweg.tables import load_model, save_model

TENSORS = {"w": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "b": np.float64(1)}


def test_a_model_comes_back_as_it_was(tmp_path: Path) -> None:
    save_model(tmp_path / "m", TENSORS, {"kind": "linear", "name": "이름"})
    tensors, description = load_model(tmp_path / "m")
    assert description == {"kind": "linear", "name": "이름"}
    for name, array in TENSORS.items():
        np.testing.assert_array_equal(tensors[name], array)


def test_every_damage_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "m"
    save_model(path, TENSORS, {"kind": "linear"})
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelFileError):
            load_model(path)
    start = whole.index(b"linear")
    for position in (start, start + 1, len(whole) - 1, len(whole) - 20):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        with pytest.raises(ModelFileError, match="damaged"):
            load_model(path)


def test_messages_of_model_files(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="there is no model"):
        load_model(tmp_path / "none")
    (tmp_path / "text").write_text("hello, this is no model")
    with pytest.raises(ModelFileError, match="no thalweg model"):
        load_model(tmp_path / "text")
    save_model(tmp_path / "m", TENSORS, {})
    later = (tmp_path / "m").read_bytes().replace(b'"thalweg":"1"', b'"thalweg":"9"')
    (tmp_path / "m").write_bytes(later)
    with pytest.raises(ModelFileError, match="later thalweg"):
        load_model(tmp_path / "m")


def test_a_failure_leaves_the_old_model_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m"
    save_model(path, TENSORS, {"which": "old"})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ModelFileError, match="No space left on device"):
        save_model(path, TENSORS, {"which": "new"})
    assert load_model(path)[1] == {"which": "old"}
    assert os.listdir(tmp_path) == ["m"]
    with pytest.raises(ModelFileError, match="cannot be written"):
        save_model(tmp_path / "no folder" / "m", TENSORS, {})


def test_a_pickle_is_refused_and_does_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> object:
            return os.mkdir, (str(tmp_path / "it ran"),)

    (tmp_path / "m").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(ModelFileError, match="no thalweg model"):
        load_model(tmp_path / "m")
    assert not (tmp_path / "it ran").exists()


def test_a_file_that_lacks_something_is_refused(tmp_path: Path) -> None:
    save_model(tmp_path / "m", TENSORS, {"kind": "linear"})
    with pytest.raises(ModelFileError, match="does not hold what it should: KeyError"):
        TableModel.load(tmp_path / "m")
    feature = {"column": "a", "mean": 0.0, "scale": 1.0}
    plain = {
        "model": {"kind": "linear", "outputs": None, "objective": "squared"},
        "target": ["y"],
        "kind": "number",
        "classes": [],
        "encoding": {"features": [feature], "left_out": {}},
        "scores": {},
    }
    tensors = {"1.b": np.zeros(()), "target.mean": np.zeros(()), "target.scale": np.ones(())}
    save_model(tmp_path / "m", {"1.w": np.zeros(2), **tensors}, plain)
    with pytest.raises(ModelFileError, match="one weight for each of its 1 features"):
        TableModel.load(tmp_path / "m")
    save_model(tmp_path / "m", {"1.w": np.zeros(1), **tensors}, plain)
    assert TableModel.load(tmp_path / "m").encoding.names == ["a"]
