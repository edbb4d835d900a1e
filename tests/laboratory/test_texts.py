"""The page speaks two languages, and says the same in both."""

from __future__ import annotations

import json
import re
from pathlib import Path

import thalweg.laboratory
from thalweg.diagnosis import VerdictKind
from thalweg.laboratory.data_sets import DATA_SETS
from thalweg.laboratory.gallery import GALLERY
from thalweg.laboratory.scene import METHODS

PAGE = Path(thalweg.laboratory.__file__).parent / "page"
ENGLISH, KOREAN = (json.loads((PAGE / f"texts_{language}.json").read_text("utf-8")) for language in ("en", "ko"))
SCRIPTS = "\n".join(path.read_text("utf-8") for path in PAGE.glob("*.js"))


def test_both_languages_have_the_same_texts() -> None:
    assert list(ENGLISH) == list(KOREAN)
    assert all(ENGLISH.values())
    assert all(KOREAN.values())


def test_the_same_values_are_put_in_place() -> None:
    for key, text in ENGLISH.items():
        assert set(re.findall(r"\{(\w+)\}", text)) == set(re.findall(r"\{(\w+)\}", KOREAN[key])), key


def test_whatever_is_shown_has_a_text() -> None:
    html = (PAGE / "index.html").read_text("utf-8")
    wanted = set(re.findall(r'data-(?:text|label)="(\w+)"', html)) | set(re.findall(r'\bsay\("(\w+)"', SCRIPTS))
    wanted |= {f"method_{name}" for name in METHODS} | {
        f"topic_{name}" for name in (*GALLERY, *DATA_SETS, "formula", "table")
    }
    wanted |= {f"{start}_{kind.name.lower()}" for kind in VerdictKind for start in ("kind", "means")}
    lectures = re.findall(r"^  (\w+): \"", (PAGE / "lectures.js").read_text("utf-8"), re.MULTILINE)
    assert len(lectures) > 15
    wanted |= {f"{start}_{name}" for name in lectures for start in ("picture", "lecture")}
    formula = (PAGE.parent / "formula.py").read_text("utf-8")
    wanted |= {
        f"formula_{code}" for code in re.findall(r'(?:FormulaError|_error)\(\s*(?:\w+(?:\.\w+)?,\s*)?"(\w+)"', formula)
    }
    assert wanted <= set(ENGLISH), wanted - set(ENGLISH)


def test_no_file_of_the_page_names_another_host() -> None:
    for path in PAGE.iterdir():
        assert not re.search(r"https?://|//cdn", path.read_text("utf-8")), path
