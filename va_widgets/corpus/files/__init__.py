"""The files of a corpus folder: how each kind is written, checked when it is read, and removed."""
