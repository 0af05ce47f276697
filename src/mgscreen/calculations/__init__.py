"""One property, one file: plain functions from structures and a level to a document."""
