"""The annotator in a notebook cell. It turns messages into session calls and session events into messages."""
