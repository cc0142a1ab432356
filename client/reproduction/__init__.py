"""Tables of papers, computed again: `tables` lists them, `layout` prints them.

What the papers report is in models/reference/published/; each file here computes one paper's.
"""
