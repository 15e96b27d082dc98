"""Former names of attributes still work, and say what the attribute is called now."""

from __future__ import annotations

import pytest

import va_widgets as va
from va_widgets.base.renaming import FormerName


class Thermometer:
    former = FormerName("celsius")
    celsius = 21.5


def test_a_former_name_warns_where_it_is_used() -> None:
    with pytest.warns(DeprecationWarning, match=r"Thermometer\.former is called Thermometer\.celsius now") as warned:
        assert Thermometer().former == 21.5
    assert warned[0].filename == __file__


def test_former_names_of_the_session_are_still_there(demo_corpus: va.Corpus) -> None:
    session = va.Session(demo_corpus, "night")
    with pytest.warns(DeprecationWarning, match="is called Session.status now"):
        assert session.standing == session.status
    with pytest.warns(DeprecationWarning, match="is called Session.refit_history now"):
        assert session.course == session.refit_history
