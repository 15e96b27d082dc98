"""XML files of strangers: nothing in them is fetched or expanded."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder  # what parses refuses declarations, see below
from xml.parsers import expat

from va_widgets.base.errors import ExchangeError


def parsed(file: Path) -> Element:
    """Return the root of an XML file.

    Raises ExchangeError if it is not well-formed, or declares a document type: that is where entities are declared,
    which can be expanded without end, or name other files. Formats that are read here need none.
    """
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data

    def refuse(*_: object) -> NoReturn:
        raise ExchangeError(f"{file} declares a document type, which may have other files read: remove <!DOCTYPE …>.")

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    try:
        parser.Parse(file.read_bytes(), True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise ExchangeError(f"{file} is no whole XML ({error}): it may be cut off; copy it again.") from error
    return builder.close()
