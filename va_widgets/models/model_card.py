"""A bundle's README.md: its card for people, in the form of a model card of Hugging Face.

Texts of users are neither HTML, YAML nor Markdown in it: what could be markup is escaped. The front matter is YAML
whose values are written as JSON, which YAML 1.2 contains.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from va_widgets.base.texts import counted
from va_widgets.models.names import slug

YES, NO, BORDERLINE, CURVE = "yes.jpg", "no.jpg", "borderline.jpg", "precision_recall.png"
"""The pictures of a bundle that its README shows; each may be absent."""

_CAPTIONS = {
    YES: "Clips that were labelled yes, from the highest score to the lowest",
    NO: "Clips that were labelled no, from the highest score to the lowest",
    BORDERLINE: "Clips without a label whose scores are the nearest to the threshold",
    CURVE: "Cross-validated precision and recall on the labels, and the threshold",
}
_QUALITIES = {
    "corpus": "all clips of the corpus, estimated",
    "random": "clips drawn at random",
    "labelled": "labelled clips",
}
_MARKUP = re.compile(r"([`*_\[\]<>&|~:@^#]|^[-+=]|(?<=www)\.)", re.IGNORECASE)
_LIST = re.compile(r"^(\d+)([.)])")
# Some pages show formulas where a backslash and a bracket, or dollars, stand: a backslash before them would not help.
_FORMULAS = {"\\": "&#92;", "$": "&#36;"}
_JOINERS = "\u200c\u200d"  # format characters that letters and emoji need
_NO_CHARACTERS = "\ufffe\uffff"  # which YAML refuses
_LONGEST_LINE = 500


def plain(text: object) -> str:
    """Return a text in one line without control characters, cut at 500 characters."""
    shown = "".join(letter if _is_shown(letter) else " " for letter in str(text))
    line = " ".join(shown.split())
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…"


def escaped(text: object) -> str:
    """Return a text in one line of Markdown that shows it as it is."""
    parts = re.split(r"([\\$])", plain(text))
    marked = "".join(_FORMULAS.get(part) or _MARKUP.sub(r"\\\1", part) for part in parts)
    return _LIST.sub(r"\1\\\2", marked)


def readme(card: Mapping[str, Any], files: Collection[str]) -> bytes:
    """Return the content of README.md for a card; `files` are the names of the other files beside it."""
    parts = [
        _front_matter(card),
        f"# {escaped(card['name'])}, version {card['version']}",
        f"Finds clips of the concept **{escaped(card['concept'])}**: a linear classifier on the embeddings of"
        f" {escaped(card['encoder'])}, made with Video Annotator (va-widgets {escaped(card['va_widgets'])}).",
        _guideline(card["guideline"]),
        _usage(card),
        "## Quality",
        _quality(card),
        f"A clip is a yes from P(yes) = {card['threshold']:.3g} on: {escaped(card['threshold_why'])}.",
        _calibration(card),
        "## Labels",
        _labels(card),
        "## Pictures",
        _pictures(files),
        "## Origin",
        _origin(card),
    ]
    return ("\n\n".join(filter(None, parts)) + "\n").encode()


def _is_shown(letter: str) -> bool:
    return letter in _JOINERS or (
        unicodedata.category(letter) not in ("Cc", "Cf", "Cs") and letter not in "\ufffe\uffff"
    )


def _front_matter(card: Mapping[str, Any]) -> str:
    metrics = [
        {"type": "average_precision", "name": f"Average precision, {_QUALITIES[kind]}", "value": round(facts["ap"], 4)}
        for kind, facts in _measured(card)
    ]
    dataset = {"type": "clips", "name": "clips of the corpus it was published from"}
    results = [{"task": {"type": "video-classification"}, "dataset": dataset, "metrics": metrics}]
    values: dict[str, Any] = {
        "library_name": "va-widgets",
        "pipeline_tag": "video-classification",
        "tags": ["video-annotator", "video-classification", "binary-classification", "logistic-regression"],
    }
    if metrics:
        values["model-index"] = [{"name": plain(card["name"]), "results": results}]
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    return "\n".join(["---", *lines, "---"])


def _guideline(text: str) -> str:
    lines = [escaped(line) for line in text.splitlines()]
    return "\n".join(["Its annotators' guideline:", "", *(f"> {line}  " for line in lines)]) if text.strip() else ""


def _usage(card: Mapping[str, Any]) -> str:
    views = "".join(f", {escaped(name)} ({counted(size, 'column')})" for name, size in card.get("views", {}).items())
    return (
        "```python\nimport va_widgets as va\n\n"
        f'model = va.load_model("{slug(card["name"])}/v{card["version"]}")\n'
        "scores = model.score_corpus(corpus)  # P(yes) of every clip\n"
        f"found = scores[scores >= model.threshold]\n```\n\n"
        f"It scores embeddings of {card['dim']:,} columns{f', together with the views{views}' if views else ''}. The"
        " corpus that it scores must have been embedded by the same encoder."
    )


def _measured(card: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    quality = card.get("quality", {})
    return [(kind, quality[kind]) for kind in _QUALITIES if quality.get(kind)]


def _quality(card: Mapping[str, Any]) -> str:
    rows = [
        [_QUALITIES[kind], f"{facts['ap']:.3f}", f"{facts['low']:.3f}–{facts['high']:.3f}", escaped(facts["method"])]
        for kind, facts in _measured(card)
    ]
    if not rows:
        note = card.get("quality", {}).get("note")
        return f"It has not been measured{f': {escaped(note)}' if note else ''}."
    known = _table(["measured on", "average precision", "90 % interval", "how"], rows)
    return f"{known}\n\nThey are about the corpus that it was published from, and may be different for other videos."


def _calibration(card: Mapping[str, Any]) -> str:
    facts = card.get("calibration")
    return f"Calibration: {escaped(facts['method'])}; the factor is {facts['factor']:.2f}." if facts else ""


def _labels(card: Mapping[str, Any]) -> str:
    labels, people = card["labels"], card.get("annotators", [])
    rows = [[escaped(one["annotator"]), *(f"{one[kind]:,}" for kind in ("yes", "no", "unsure"))] for one in people]
    numbers = f"{labels['yes']:,} yes and {labels['no']:,} no. SHA-256 of the labels: `{labels['digest']}`."
    return f"{numbers}\n\n{_table(['annotator', 'yes', 'no', 'unsure'], rows)}" if rows else numbers


def _pictures(files: Collection[str]) -> str:
    shown = [f"{caption}:\n\n![{caption}]({name})" for name, caption in _CAPTIONS.items() if name in files]
    absent = [caption.lower() for name, caption in _CAPTIONS.items() if name not in files]
    return "\n\n".join(shown + ([f"Not in this bundle: {'; '.join(absent)}."] if absent else []))


def _origin(card: Mapping[str, Any]) -> str:
    parent = card["parent"]
    made = f"Published on {escaped(card['created'])}"
    if parent:
        made += f" after version {parent['version']} of {escaped(parent['name'])}"
    known = [f"{escaped(name)} {escaped(number)}" for name, number in card["libraries"].items() if number]
    return f"{made}, with {', '.join(known)}. [card.json](card.json) holds all of this for programs."


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
