"""Networks of reference systems: layers and losses as their papers have them, and their training.

One file per system; each says which choices are ours. models/reference/ runs what is trained here.
"""
