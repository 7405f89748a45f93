"""Generated from the specification by `hos generate`; not edited by hand."""
