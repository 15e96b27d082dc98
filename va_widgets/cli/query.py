"""`va-widgets query`: the clips of a corpus that published models, columns and motion find."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from va_widgets.base.errors import QueryError
from va_widgets.base.progress import printable
from va_widgets.base.texts import counted
from va_widgets.cli.parsers import Commands, print_table

_DESCRIPTION = """\
Find the clips that match a query, the best first.

A name of a model alone means "above its threshold", a comparison is with P(yes), from 0 to 1. Names with blanks are
quoted. Columns of the clips and numbers of their motion are compared with values; text("…") is how well a clip fits a
text. Conditions are joined by and, or, not and parentheses."""

_EXAMPLES = """\
examples:
  va-widgets query films "night_city > 0.7 and not rain"
      clips of the model "night city" that are not of the model "rain"
  va-widgets query films "'night city' and (year > 1990 or genre == 'noir')" -k 200
      two hundred clips, by columns of yours, too
  va-widgets query films "text(\\"a red car\\") and zoom > 0.1" --json
      for programs: one object a clip
  va-widgets query films "2 * night_city + rain > 1.5" --out reel.edl --handles 0.5
      a reel for an editor, with half a second more at both ends; also .otio, .fcpxml and .csv
  va-widgets query films --names
      all names that a query of this corpus may use

exit status: 0 if all went well, also where no clip matches, 1 after an error, 2 for wrong arguments"""


def add_parser(commands: Commands) -> None:
    """Add the command `query`."""
    query = commands.add_parser(
        "query",
        help="find clips by published models, columns and motion",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    query.add_argument("corpus", type=Path, help="the folder of a corpus")
    query.add_argument("text", nargs="?", help="the query")
    query.add_argument("-k", type=int, default=48, help="how many clips at most (default: 48)")
    query.add_argument(
        "--models", nargs="+", metavar="MODEL", help="names of its models, or folders of models (default: all of them)"
    )
    query.add_argument("--names", action="store_true", help="list the names that a query may use, and what they are")
    query.add_argument(
        "--out", type=Path, metavar="FILE", help="write the clips to a .csv, .otio, .edl or .fcpxml file"
    )
    query.add_argument("--handles", type=float, default=0.0, help="seconds more at both ends in FILE (default: 0)")
    query.add_argument("--json", action="store_true", help="print JSON")
    query.set_defaults(run=_query)


def _query(options: argparse.Namespace) -> int:
    import pandas as pd

    from va_widgets.catalogue.query import Query, names
    from va_widgets.catalogue.reel import export_hits
    from va_widgets.corpus import Corpus

    corpus = Corpus.open(options.corpus)
    if options.names:
        known = [(name.insert, name.kind, name.detail) for name in names(corpus, options.models)]
        print_table(pd.DataFrame(known, columns=["name", "kind", "detail"]), as_json=options.json)
        return 0
    if options.text is None:
        raise QueryError('Give a query, such as "night_city > 0.7", or --names for the names that it may use.')
    try:
        query = Query(options.text, corpus, options.models)
    except QueryError as error:
        if error.column is not None and "\n" not in options.text:
            print(f"  {printable(options.text)}\n  {' ' * error.column}^", file=sys.stderr)
        raise
    hits = query.table(options.k)
    if options.out is not None:
        file = export_hits(hits, corpus, options.out, handles=options.handles)
        print(json.dumps({"file": str(file), "clips": len(hits)}) if options.json else printable(str(file)))
        return 0
    spans = corpus.clips.loc[hits.index, ["video", "start", "end"]]
    values = [name for name in hits if name not in spans]
    print_table(hits[values].join(spans).reset_index(), as_json=options.json)
    if not options.json:
        print(f"{len(hits):,} of {counted(query.count, 'clip')} that match")
    return 0
