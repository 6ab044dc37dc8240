"""The commands that score again: backtest, what-if, the fair view."""
