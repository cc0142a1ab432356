"""What papers report, one file for each: figures only, and where in the paper they stand."""
