"""How fast it is: everything side by side in one run, told as ratios (docs/speed.md)."""
