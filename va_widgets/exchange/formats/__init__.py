"""The formats, a module for each family: content becomes files, and files become foreign rows."""
