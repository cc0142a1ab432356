"""Reference systems: what others published, to compare ours with, in one library.

`registry` lists them, `interfaces` says what each kind does. Weights of others are never shipped.
"""
