"""README.md of a bundle: a model card, in which texts of users are shown as they are."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

import va_widgets as va
from tests.unit.models.conftest import publish_model
from va_widgets.models.model_card import escaped, plain

MARKUP = (
    "<script>alert(1)</script> **bold** _x_ [a](http://a.b) ![i](j.png) `k` ~~s~~ | a | b &amp; # h www.a.b a@b.c"
    " $y$ \\(x\\) <!-- c -->"
)

SIGNS = "<>&*_[]()#`~|\\-+=!:1.$@ \n"


def rendered(markdown: str) -> str:
    return MarkdownIt("gfm-like", {"linkify": False}).render(markdown)


def front_matter(readme: str) -> tuple[dict[str, Any], str]:
    yaml = pytest.importorskip("yaml")
    _, head, body = readme.split("---\n", 2)
    return yaml.safe_load(head), body


def test_a_readme_is_a_model_card_of_hugging_face(tmp_path: Path) -> None:
    measured = {"ap": 0.91234, "low": 0.8, "high": 0.95, "interval": 0.9, "method": "estimated for all clips"}
    facts = {"quality": {"corpus": measured}, "annotators": [{"annotator": "kelli", "yes": 1, "no": 2, "unsure": 0}]}
    model = publish_model(tmp_path / "models", "night: «city»", facts=facts)
    head, body = front_matter(model.read_file("README.md").decode())
    (entry,) = head["model-index"]
    assert entry["name"] == "night: «city»"
    assert entry["results"][0]["metrics"][0]["value"] == 0.9123
    assert head["pipeline_tag"] == "video-classification"
    for fact in ("0.912", "0.800–0.950", "estimated for all clips", "kelli", "P(yes) = 0.4", model.card["encoder"]):
        assert fact in unescape(re.sub("<[^>]*>", "", rendered(body)))
    hub = pytest.importorskip("huggingface_hub")
    card = hub.ModelCard(model.read_file("README.md").decode())
    assert card.data.eval_results[0].metric_value == 0.9123


def test_texts_of_users_are_no_markup(tmp_path: Path) -> None:
    lines = (MARKUP, "# heading", "- item", "1. item", "===", "> quote", "    code", "---")
    facts = {"annotators": [{"annotator": MARKUP, "yes": 1, "no": 2, "unsure": 0}]}
    model = publish_model(
        tmp_path / "models", MARKUP[:60], concept=MARKUP, guideline="\n".join(lines), threshold_why=MARKUP, facts=facts
    )
    bare = publish_model(tmp_path / "models", "n", guideline="\n".join("x" for _ in lines), facts=facts)
    page, other = (rendered(each.read_file("README.md").decode().split("---\n", 2)[2]) for each in (model, bare))
    tags = [re.findall(r"</?[a-z0-9]+", html) for html in (page, other)]
    assert tags[0] == tags[1]
    shown = unescape(re.sub("<[^>]*>", "", page))
    assert shown.count(MARKUP) == 4
    for line in lines[1:]:
        assert line.strip() in shown


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.text("<>&*_[]()#`~|\\-+=!:1.$@ \n", max_size=40)
)
def test_any_text_is_shown_as_it_is(text: str) -> None:
    page = rendered(f"{escaped(text)}\n")
    assert page in ("", f"<p>{page[3:-5]}</p>\n")
    assert "<" not in page[3:-5]
    assert " ".join(unescape(page[3:-5]).split()) == plain(text)


def test_a_text_in_the_front_matter_is_a_value(tmp_path: Path) -> None:
    name = '"x"\n---\nlicense: evil # {} \u2028 \x85 \x7f \ufeff 🎬 \u202e'
    measured = {"ap": 0.9, "low": 0.8, "high": 0.95, "interval": 0.9, "method": ""}
    model = publish_model(tmp_path / "models", name, facts={"quality": {"corpus": measured}})
    head, _ = front_matter(model.read_file("README.md").decode())
    assert head.keys() == {"library_name", "pipeline_tag", "tags", "model-index"}
    assert head["model-index"][0]["name"] == '"x" --- license: evil # {} 🎬'


def test_a_readme_names_its_version_and_parent(tmp_path: Path) -> None:
    first = publish_model(tmp_path / "models")
    second = publish_model(tmp_path / "models", parent=first)
    text = second.read_file("README.md").decode()
    assert "# night, version 2" in text
    assert "after version 1 of night" in text
    assert 'va.load_model("night/v2")' in text
    assert "It has not been measured." in text
    assert isinstance(second, va.Model)
